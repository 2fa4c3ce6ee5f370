package channel

import "testing"

func TestHasLink(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"see https://example.com": true, "HTTP://EXAMPLE.COM": true, "www.example.com": true, "mailto:ana@acme.com": true, "tg://join?x": true,
		"example.com/offer": true, "example.com?x=1": true, "example.com:8080": true, "пример.рф/акция": true, "münchen.de/x": true, "(example.com/x)": true,
		"xn--e1afmkfd.xn--p1ai/x": true, "10.0.0.1/x": true, "10.0.0.1:80": true, "node.js/react": true, "bücher.example/": true,
		"": false, "see you there. Ana": false, "Acme Ltd.Ana": false, "node.js": false, "3.14/2": false, "1.2.3": false, "and/or": false, "at 10:30": false,
		"ana@acme.com": false, "a.b": false, "wwwhat.": false, "Q: why? A: no": false, "v1.2/v1.3": false,
	} {
		if got := hasLink(text); got != want {
			t.Errorf("%q has a link: %v", text, got)
		}
	}
}
