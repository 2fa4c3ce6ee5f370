package store_test

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/jackc/pgx/v5"

	"linkspan/internal/ids"
	"linkspan/internal/store"
	"linkspan/internal/store/storetest"
)

// TestSearchable tells the words of messages in many scripts, whatever stands between them.
func TestSearchable(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"The quick, brown FOX!":          "the quick brown fox",
		"“Fox”, ‘fox’ «fox» —fox…":       "fox fox fox fox",
		"client/server and/or foo_bar":   "client server and or foo bar",
		"ana@acme.com https://a.b/c?d=e": "ana acme com https a b c d e",
		"it's it’s":                      "it s it s",
		"well-known -5 3.14 v1.2 #42 m²": "well known 5 3 14 v1 2 42 m",
		"Straße ÄRGER e\u0301t\u00e9":    "strasse ärger été",
		"co\u00adoperate a\u200bb":       "cooperate a b",
		"party🎉time ❤\ufe0f":             "party time",
		"明日の会議です。":                       "明 日 の 会 議 で す",
		"GraphQL入門、サーバー":                 "graphql 入 門 サ ー バ ー",
		"ที่ ประชุม":                     "ที่ ป ร ะ ชุ ม",
		"привет, мир":                    "привет мир",
		"שָׁלוֹם עֲלֵיכֶם":               "שָׁלוֹם עֲלֵיכֶם",
		"می\u200cخواهم":                  "میخواهم",
		"हिन्दी में":                     "हिन्दी में",
		"한국어 검색":                         "한국어 검색",
		"'; DROP TABLE \\ x":             "drop table x",
		"":                               "",
		" \t\n\u3000!!!":                 "",
		"\u0301":                         "",
		strings.Repeat("x", 512+1):       strings.Repeat("x", 512) + " x",
	} {
		if got := store.Searchable(text); got != want {
			t.Errorf("%q has the words %q, want %q", text, got, want)
		}
	}
}

// TestAsked reads the signs of a search, and makes a phrase of what stands together.
func TestAsked(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"quick Fox":             `"quick" "fox"`,
		`"quick fox" dog`:       `"quick fox" "dog"`,
		"“quick fox” „dog cat“": `"quick fox" "dog cat"`,
		"fox -dog":              `"fox" -"dog"`,
		`fox -"brown dog" cat`:  `"fox" -"brown dog" "cat"`,
		`fox - "brown dog"`:     `"fox" "brown dog"`,
		"fox or dog OR cat":     `"fox" or "dog" or "cat"`,
		`"fox or dog"`:          `"fox or dog"`,
		"or":                    `"or"`,
		"or fox":                `"or" "fox"`,
		"fox or":                `"fox" "or"`,
		"fox or or dog":         `"fox" or "or" "dog"`,
		"acme.com -a/b":         `"acme com" -"a b"`,
		"well-known":            `"well known"`,
		"会議":                    `"会 議"`,
		"-会議 明日":                `-"会 議" "明 日"`,
		`fox"`:                  `"fox"`,
		`"fox dog`:              `"fox" "dog"`,
		`fox "" dog`:            `"fox" "dog"`,
		`"!!!" -"" - -- "`:      "",
		"!!!":                   "",
		"a:* & !b | (c <-> d)":  `"a" "b" "c" "d"`,
	} {
		if got := store.Asked(text); got != want {
			t.Errorf("%q asks for %s, want %s", text, got, want)
		}
	}
}

// TestPostgresTakesTheWords has Postgres make words of texts: they are the ones that were told apart before, whatever its parser
// would have made of the text.
func TestPostgresTakesTheWords(t *testing.T) {
	t.Parallel()
	conn, err := pgx.Connect(t.Context(), storetest.Config(t, 0).MainDSN)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(t.Context()))
	for _, text := range []string{
		"The quick, brown FOX's “fox”—fox", "https://a.b/c?d=e&f client/server ana@acme.com /usr/bin <b>x</b> &amp; a.b.c", "1e5 0x1f 3.14 -7 1,000 ١٢٣ Ⅳ v1.2.3 10km 2nd a1b2",
		"明日の会議です。GraphQL入門 サーバー", "ที่ประชุมพรุ่งนี้", "שָׁלוֹם می\u200cخواهم हिन्दी 한국어 привет Straße İstanbul été e\u0301", "a\u20e3 ❤\ufe0f 👍🏽 party🎉time",
		strings.Repeat("x", 2000) + strings.Repeat(" 会", 300), "foo_bar foo-bar it's it’s $5 50% #42 @ana \\ ' '' \" \x01",
	} {
		words := strings.Fields(store.Searchable(text))
		slices.Sort(words)
		words = slices.Compact(words)
		var got []string
		var found bool
		err := conn.QueryRow(t.Context(), `SELECT ARRAY(SELECT lexeme FROM unnest(to_tsvector('simple', $1)) ORDER BY lexeme COLLATE "C"),
			to_tsvector('simple', $1) @@ websearch_to_tsquery('simple', $2)`, store.Searchable(text), store.Asked(strings.ReplaceAll(text, `"`, ""))).Scan(&got, &found)
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		if !slices.Equal(got, words) {
			t.Errorf("%q has the words %q, want %q", text, got, words)
		}
		if !strings.Contains(text, " -") && !found {
			t.Errorf("%q is not found by itself", text)
		}
	}
}

// wordsOf are the words of a text of words, with marks, as Postgres makes them of the text.
func wordsOf(text, mark string) string {
	return `(replace(' ' || to_tsvector('pg_catalog.simple', ` + text + `::text)::text, ' ''', ' ''' || ` + mark + `::text)
		|| ' ''' || ` + mark + `::text || '''')::tsvector`
}

// TestVector has Postgres make the words of texts itself: those that are spelt here are the same, at the same places.
func TestVector(t *testing.T) {
	t.Parallel()
	conn, err := pgx.Connect(t.Context(), storetest.Config(t, 0).MainDSN)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(t.Context()))
	mark := store.Mark(ids.NewChannel(time.Now(), 7), ids.NewGroup())
	for _, text := range []string{
		"", "!", "the fox and the dog and the cat", "1e5 0x1f 3.14 -7 1,000 ١٢٣ Ⅳ v1.2.3", "明日の会議です。GraphQL入門", "ที่ประชุม it's \\ ' '' : 'a':1A", "שָׁלוֹם می\u200cخواهم e\u0301",
		strings.Repeat("again ", 250), strings.Repeat("x", 2000), strings.Repeat("a b c d ", 250), manyWords(20_000),
	} {
		var same bool
		var got, want int
		if err := conn.QueryRow(t.Context(), `SELECT mine = theirs, length(mine), length(theirs)
			FROM (SELECT $1::text::tsvector AS mine, `+wordsOf("$2", "$3")+` AS theirs) AS t`, store.Vector(text, mark), store.Searchable(text), mark).Scan(&same, &got, &want); err != nil {
			t.Fatalf("%.50q: %v", text, err)
		}
		if !same {
			t.Errorf("%.50q has %d words that are not the %d that Postgres makes of it", text, got, want)
		}
	}
}

// manyWords are so many words, each of its own.
func manyWords(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(strconv.Itoa(i) + " ")
	}
	return b.String()
}

// FuzzSearchable has any text be said and asked for: Postgres gets words, spaces and the three signs, and who asks for what was
// said asks for its words.
func FuzzSearchable(f *testing.F) {
	for _, seed := range []string{
		"", " ", "fox", `"quick fox" -dog or cat`, `-"a b"`, `"`, `"""`, "-", "or", "''", `\`, "a\x00b", "\xff", "it’s", "“a”", "明日の会議です。", "ที่ประชุม", "e\u0301", "\u0301", "İ", "ß",
		"a\u200bb", "a\u00adb", "❤\ufe0f", "https://example.com/a'b?c=d", "a:* & !b | (c <-> d)", strings.Repeat("x", 520), strings.Repeat("会", 3), "a\u20e3", "ǰ̣", "\u0345a",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		said := store.Searchable(text)
		for _, word := range strings.Split(said, " ") {
			if said != "" && (word == "" || len(word) > 512 || strings.IndexFunc(word, notInWords) >= 0) {
				t.Errorf("%q: %q is no word", text, word)
			}
		}
		asked := store.Asked(text)
		bare := strings.NewReplacer(`"`, ` `, `-`, ` `).Replace(asked)
		if strings.Count(asked, `"`)%2 != 0 || strings.IndexFunc(strings.ReplaceAll(bare, " ", ""), notInWords) >= 0 {
			t.Errorf("%q asks for %s", text, asked)
		}
		if strings.ContainsAny(text, `"“”„‟＂`) {
			return // what is between quotes is one, which may join what is broken otherwise
		}
		if words, want := strings.Join(strings.Fields(bare), " "), said; words != want && len(text) < 512 {
			t.Errorf("%q says %q and asks for %q", text, want, words)
		}
	})
}

// notInWords tells what Postgres might take for something else than a part of a word.
func notInWords(r rune) bool {
	return !unicode.In(r, unicode.L, unicode.M, unicode.Nd, unicode.Nl)
}
