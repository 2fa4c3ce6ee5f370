package main_test

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"testing"
)

// testPage wants the page that the welcome names to be there, and to sign in whom its address names.
func testPage(t *testing.T, d *dev, welcome string) {
	t.Helper()
	page, as, _ := strings.Cut(regexp.MustCompile(`http://\S+/graphiql\?as=\S+`).FindString(welcome), "?as=")
	response, err := http.Get(page + "?as=" + as)
	if err != nil {
		t.Fatalf("%v: %s", err, welcome)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusOK || page != strings.Replace(d.url, "/graphql", "/graphiql", 1) {
		t.Errorf("%s: %s", page, response.Status)
	}
	for user, role := range map[string]string{as: "ADMIN", "ben@acme": "MEMBER"} {
		response, err := http.Post(page+"/sign-in", "application/json", strings.NewReader(`{"as":"`+user+`"}`))
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		var given struct{ Token string }
		if err := json.NewDecoder(response.Body).Decode(&given); err != nil {
			t.Fatal(err)
		}
		if who := d.query(given.Token, `{ viewer { group { handle } role } }`); !strings.Contains(who, `{"handle":"acme"},"role":"`+role) {
			t.Errorf("%s: %s", user, who)
		}
	}
}
