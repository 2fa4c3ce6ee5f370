package channel

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/forPelevin/gomoji"
	"golang.org/x/text/unicode/norm"
	"pgregory.net/rapid"
)

func TestCleanName(t *testing.T) {
	t.Parallel()
	for given, kept := range map[string]string{
		"a": "a", "\u0020 a  b\u0020": "a  b", "\u00a0\u3000a\u2003": "a", "cafe\u0301": "café", "\u0958": "\u0915\u093c", "🚀": "🚀", "7": "7", "!": "!", "\u20ac": "\u20ac",
		"שלום": "שלום", "a\u200fb": "a\u200fb", "👩\u200d👧": "👩\u200d👧", "\u200bx": "\u200bx", "ﬁ": "ﬁ", "Å": "Å", "\ta": "a", "a\n": "a",
		strings.Repeat("a", 80): strings.Repeat("a", 80), strings.Repeat("e\u0301", 80): strings.Repeat("é", 80), " " + strings.Repeat("🚀", 80): strings.Repeat("🚀", 80),
	} {
		got, err := cleanName(given, "name")
		if err != nil || got != kept {
			t.Errorf("%q is kept as %q: %v, want %q", given, got, err, kept)
		}
	}
	for _, given := range []string{
		"", " ", "\n", "\u00a0", "\u3000\u2003", "\u200b", "\u200b\u200c\u200d\ufeff\u2060", "\u0301", "\u00ad", "\u202a", "\u180e", "\ufe0f",
		strings.Repeat("a", 81), strings.Repeat("🚀", 81), strings.Repeat("a", 79) + "\u0958", strings.Repeat("a", 1<<20),
		"a\nb", "a\rb", "a\tb", "a\x00b", "a\x1bb", "a\x7fb", "a\u0085b", "a\u009fb", "a\u2028b", "a\u2029b", "a\u202eb", "a\u202ab", "a\u2066b", "a\u2069b",
	} {
		got, err := cleanName(given, "title")
		var refused InvalidInputError
		if !errors.As(err, &refused) || refused.Code != CodeInvalidInput || strings.Join(refused.Path, ".") != "input.title" || got != "" {
			t.Errorf("%.40q is kept as %.40q: %v", given, got, err)
		}
	}
}

// TestInvisibleNames holds names that count as letters and symbols and show nothing.
func TestInvisibleNames(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"\u3164", "\u115f", "\u1160", "\uffa0", "\u2800", " \u3164 \u2800"} {
		if got, err := cleanName(name, "name"); err == nil {
			t.Errorf("%q is kept as %q: there is nothing to see in it", name, got)
		}
	}
}

// TestShownName shows a name by the rules of names, and else something that can do no harm.
func TestShownName(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"Ana Ålund": "Ana Ålund", " Ana\u00a0": "Ana", "cafe\u0301": "café", "שלום": "שלום", "👩\u200d👧": "👩\u200d👧", strings.Repeat("e\u0301", 80): strings.Repeat("é", 80),
		"": "sub", " ": "sub", "\u200b\u2060": "sub", "\u3164": "sub", "Ana\u202e": "sub", "\u2066Ana\u2069": "sub", "A\nna": "sub", "A\x00": "sub", "A\x1b[31m": "sub", "A\u2028a": "sub",
		"A\xff": "sub", strings.Repeat("a", 81): "sub",
	} {
		if got := ShownName(name, "sub"); got != want {
			t.Errorf("%q is shown as %q, want %q", name, got, want)
		}
	}
	for fallback, want := range map[string]string{
		"ana": "ana", " ana ": " ana ", "cafe\u0301": "café", "auth0|7": "auth0|7", strings.Repeat("a", 255): strings.Repeat("a", 255), "a\u202eb\u2066": "a\ufffdb\ufffd", "a\r\n": "a\ufffd\ufffd", "\x1b": "\ufffd",
		"\u200b\u200c": "\ufffd\ufffd", " ": "\ufffd", "\u3164\u2800": "\ufffd\ufffd", "a\u200b": "a\u200b", "a\xff": "a\ufffd",
	} {
		for _, name := range []string{"", "\u202e"} {
			if got := ShownName(name, fallback); got != want {
				t.Errorf("%q is shown as %q, want %q", fallback, got, want)
			}
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		name, fallback := rapid.String().Draw(t, "name"), rapid.StringN(1, 60, -1).Draw(t, "fallback")
		shown := ShownName(name, fallback)
		if !norm.NFC.IsNormalString(shown) || !utf8.ValidString(shown) || strings.IndexFunc(shown, visible) < 0 || strings.IndexFunc(shown, control) >= 0 {
			t.Errorf("%q, %q is shown as %q", name, fallback, shown)
		}
	})
}

func TestCleanText(t *testing.T) {
	t.Parallel()
	if got, err := cleanText(nil, "note"); got != nil || err != nil {
		t.Errorf("none is kept as %v: %v", got, err)
	}
	empty := ""
	if got, err := cleanText(&empty, "note"); got != nil || err != nil {
		t.Errorf("an empty text is kept as %v: %v", got, err)
	}
	for given, kept := range map[string]string{
		" ": " ", "two\nlines": "two\nlines", "cafe\u0301": "café", strings.Repeat("x", 560): strings.Repeat("x", 560), strings.Repeat("🚀", 560): strings.Repeat("🚀", 560),
		strings.Repeat("e\u0301", 560): strings.Repeat("é", 560),
	} {
		if got, err := cleanText(&given, "note"); err != nil || got == nil || *got != kept {
			t.Errorf("%.20q is kept as %v: %v", given, got, err)
		}
	}
	for _, given := range []string{strings.Repeat("x", 561), strings.Repeat("🚀", 561), strings.Repeat("x", 559) + "\u0958"} {
		var refused InvalidInputError
		if got, err := cleanText(&given, "note"); !errors.As(err, &refused) || strings.Join(refused.Path, ".") != "input.note" || got != nil {
			t.Errorf("%.20q is kept as %v: %v", given, got, err)
		}
	}
}

func TestNameKey(t *testing.T) {
	t.Parallel()
	for _, same := range [][]string{
		{"launch", "LAUNCH", "Launch"}, {"Straße", "STRASSE", "strasse", "STRAẞE"}, {"café", "cafe\u0301", "CAFÉ", "CAFE\u0301"}, {"ὀδυσσεύς", "ὈΔΥΣΣΕΎΣ", "ὀδυσσεύσ"},
		{"ǆ", "ǅ", "Ǆ"}, {"ﬁ", "fi", "FI"}, {"ᾳ", "αι", "ΑΙ", "α\u0345"}, {"Å", "Å", "a\u030a"}, {"ŉ", "ʼn"}, {"K", "k"}, {"ſ", "s"}, {"ⓐ", "Ⓐ"}, {"ａ", "Ａ"}, {"𐐨", "𐐀"}, {"ꮳꮃꭹ", "ᏣᎳᎩ", "Ꮳꮃꭹ"}, {"ᏸ", "Ᏸ"},
	} {
		for _, name := range same {
			if NameKey(name) != NameKey(same[0]) {
				t.Errorf("%q and %q have the keys %q and %q", name, same[0], NameKey(name), NameKey(same[0]))
			}
		}
	}
	different := map[string]string{}
	for _, name := range []string{"a", "b", "á", "à", "aa", "a a", "a  a", "ａ", "ı", "i", "1", "١", "ⓐ", "-", "–", "🚀", ""} {
		key := NameKey(name)
		if other, ok := different[key]; ok {
			t.Errorf("%q and %q have one key", name, other)
		}
		different[key] = name
	}
}

// runes are drawn for names: letters of several scripts and cases, marks, spaces and what is hard.
var runes = rapid.SampledFrom([]rune("aAzZ09 -\u00a0éÉßẞſıİKÅﬁŉǅ\u0301\u0308\u0345\u030a\u0323αΑςσΣᾳᾼ\u0958ᾀ\u1e9b\u0327שم\u200d\u200f🚀👩\u3000\t\n\u202e\ufeff𐐀Ꮳꮳ각ᄀ\u1161"))

// TestNamesByRules draws names and holds what all of them keep.
func TestNamesByRules(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		given := string(rapid.SliceOfN(runes, 0, 90).Draw(t, "name"))
		key := NameKey(given)
		if NameKey(key) != key {
			t.Errorf("the key %q of %q has another key %q", key, given, NameKey(key))
		}
		if NameKey(norm.NFD.String(given)) != key || NameKey(norm.NFC.String(given)) != key {
			t.Errorf("%q has other keys decomposed %q and composed %q", given, NameKey(norm.NFD.String(given)), NameKey(norm.NFC.String(given)))
		}
		name, err := cleanName(given, "name")
		if err != nil {
			return
		}
		if n := utf8.RuneCountInString(name); n < 1 || n > MaxNameRunes || !norm.NFC.IsNormalString(name) || strings.TrimSpace(name) != name || strings.ContainsFunc(name, control) {
			t.Errorf("%q is kept as %q", given, name)
		}
		if again, err := cleanName(name, "name"); err != nil || again != name {
			t.Errorf("%q is kept as %q, and that as %q: %v", given, name, again, err)
		}
		n := rapid.IntRange(2, 100_000).Draw(t, "n")
		other := numbered(name, n)
		if clean, err := cleanName(other, "name"); err != nil || clean != other {
			t.Errorf("number %d of %q is %q, which is kept as %q: %v", n, name, other, clean, err)
		}
		if NameKey(numbered(name, n)) == NameKey(numbered(name, n+1)) {
			t.Errorf("numbers %d and %d of %q are %q and %q", n, n+1, name, numbered(name, n), numbered(name, n+1))
		}
	})
}

func TestNumbered(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		n    int
		want string
	}{
		{"launch", 2, "launch 2"}, {"launch", 10, "launch 10"}, {"launch 2", 2, "launch 2 2"}, {strings.Repeat("a", 78), 2, strings.Repeat("a", 78) + " 2"},
		{strings.Repeat("a", 79), 2, strings.Repeat("a", 78) + " 2"}, {strings.Repeat("🚀", 80), 10, strings.Repeat("🚀", 77) + " 10"},
		{strings.Repeat("a", 77) + "  b", 2, strings.Repeat("a", 77) + " 2"},
	} {
		if got := numbered(c.name, c.n); got != c.want {
			t.Errorf("number %d of %q is %q, want %q", c.n, c.name, got, c.want)
		}
	}
}

func TestHandles(t *testing.T) {
	t.Parallel()
	for _, handle := range []string{"ab", "a1", "1a", "a-b", "a-", "0-", strings.Repeat("a", 39)} {
		if !HandlePattern.MatchString(handle) {
			t.Errorf("%q is no handle", handle)
		}
	}
	for _, handle := range []string{"", "a", "-a", "A1", "a_b", "a b", "ab\n", "\nab", "äb", "ａｂ", "a.b", "a\x00", strings.Repeat("a", 40)} {
		if HandlePattern.MatchString(handle) {
			t.Errorf("%q is a handle", handle)
		}
	}
}

// TestEmojiSpellings has each emoji spelt in one way, however a keyboard does it.
func TestEmojiSpellings(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"\u2764": "\u2764\uFE0F", "\u2764\uFE0F": "\u2764\uFE0F", "👍": "👍", "👍🏽": "👍🏽", "\u00A9": "\u00A9\uFE0F",
		"1\u20E3": "1\uFE0F\u20E3", "\U0001F3F3\u200D\U0001F308": "\U0001F3F3\uFE0F\u200D\U0001F308", "🇩🇪": "🇩🇪", "👩‍👩‍👧": "👩‍👩‍👧",
		"\u231A": "\u231A\uFE0F", "\u231A\uFE0F": "\u231A\uFE0F", "\uFE0F1\uFE0F\u20E3": "1\uFE0F\u20E3", "\u263A🏻": "\u263A🏻",
		"": "", "a": "", "1": "", "#": "", "👍👍": "", "👍\u0020": "", "👍\uFE0F\uFE0F": "", "\uFE0F": "", "\u200D": "", "🏽x": "",
	} {
		if got := emojiOf(text); got != want {
			t.Errorf("%+q is the emoji %+q, want %+q", text, got, want)
		}
	}
	spelt := map[string]string{}
	for _, emoji := range gomoji.AllEmojis() {
		got := emojiOf(emoji.Character)
		if before, known := spelt[emoji.Slug]; got == "" || got != emojiOf(got) || known && before != got {
			t.Errorf("%s is spelt %+q, that %+q, and elsewhere %+q", emoji.Slug, got, emojiOf(got), before)
		}
		spelt[emoji.Slug] = got
		if bare := emojiOf(strings.ReplaceAll(emoji.Character, presentation, "")); bare != "" && bare != got {
			t.Errorf("%s is spelt %+q, and %+q from a text without selectors", emoji.Slug, got, bare)
		}
	}
}
