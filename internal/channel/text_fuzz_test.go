package channel

import (
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// FuzzCleanName gives any text as a name: what is taken is a name by the contract, stays what it is when it is cleaned
// again, and so do its key and its numbered alternatives.
func FuzzCleanName(f *testing.F) {
	for _, seed := range []string{
		"", " ", "launch", strings.Repeat("n", MaxNameRunes), strings.Repeat("n", MaxNameRunes+1), strings.Repeat("é", MaxNameRunes),
		"e\u0301", "\u00e9", "STRASSE", "straße", "İ", "ﬁ", "\u2028", "a\u202eb", "\u200b", "🚀", "👩‍👩‍👧", "\u3164", "a\x00b", "\xff", "שלום", "\u0345a", "ǰ̣",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if !utf8.ValidString(text) {
			return // the edge lets no such text through
		}
		name, err := cleanName(text, "name")
		if err != nil {
			if _, refused := err.(UserError); !refused {
				t.Errorf("%q: %v is no refusal", text, err)
			}
			return
		}
		fitToKeep(t, name)
		if again, err := cleanName(name, "name"); err != nil || again != name {
			t.Errorf("%q is cleaned to %q, and that to %q: %v", text, name, again, err)
		}
		if key := NameKey(name); key != NameKey(norm.NFD.String(name)) || key != NameKey(key) {
			t.Errorf("the key of %q is %q, of its decomposed form %q, and of the key %q", name, key, NameKey(norm.NFD.String(name)), NameKey(key))
		}
		for _, n := range []int{2, 10, 99999} {
			fitToKeep(t, numbered(name, n))
		}
	})
}

// fitToKeep fails for a name that no database may hold.
func fitToKeep(t *testing.T, name string) {
	t.Helper()
	if n := utf8.RuneCountInString(name); n < 1 || n > MaxNameRunes || !norm.NFC.IsNormalString(name) ||
		strings.TrimSpace(name) != name || strings.ContainsRune(name, 0) {
		t.Errorf("%q is kept as a name", name)
	}
}

// FuzzEmoji gives any text as a reaction: what is taken is an emoji, and so are its other spellings, as the same one.
func FuzzEmoji(f *testing.F) {
	for _, seed := range []string{
		"", "👍", "👍🏽", "❤", "❤\ufe0f", "⌚", "☺🏻", "1\u20e3", "1\ufe0f\u20e3", "👩‍👩‍👧", "🏳\u200d🌈", "🏳\ufe0f\u200d🌈", "🇩🇪", "👍👍", "a", "1", "©",
		"❤\u200d🧡\u200d💛\u200d💚\u200d💙\u200d💜", "\ufe0f", " 👍", "👍\x00", "\xff", strings.Repeat("❤", 10_000),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		emoji := emojiOf(text)
		if emoji == "" {
			return
		}
		if again := emojiOf(emoji); again != emoji || len(emoji) > 64 || !utf8.ValidString(emoji) {
			t.Errorf("%q is kept as %q, and that as %q", text, emoji, again)
		}
		bare := strings.ReplaceAll(text, presentation, "")
		if same := emojiOf(bare); same != "" && same != emoji {
			t.Errorf("%q is kept as %q, and %q as %q", text, emoji, bare, same)
		}
	})
}
