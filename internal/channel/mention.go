package channel

import (
	"context"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	maxMentions     = 50 // names that are looked for in one message, and users whom it names
	maxMentionWords = 6  // of one name
	maxNameEnding   = 5  // code points that follow a name within its last word, such as 's...
)

// mentions returns the users of the channel whom a body names: behind an @ that begins a word, the longest name that is
// there, whatever its case. A name that several users have names all of them; in all the first maxMentions. A message for
// everyone names only users who have done something for everyone to see, so that it does not tell who whispers.
func (s *Service) mentions(ctx context.Context, v *Viewer, c *Change) ([]User, error) {
	names := mentioned(c.Body)
	if len(names) == 0 {
		return nil, nil
	}
	keys := slices.Concat(names...)
	slices.Sort(keys)
	users, err := s.Conversation.Named(ctx, v.reader(), c.Message.Channel, audienceOf(c.Message), slices.Compact(keys))
	if err != nil {
		return nil, err
	}
	var found []User
	seen := map[string]bool{}
	for _, candidates := range names {
		for _, key := range candidates { // the longest first
			if seen[key] {
				break
			}
			if len(users[key]) > 0 {
				seen[key] = true
				found = append(found, users[key]...)
				break
			}
		}
	}
	return found[:min(len(found), maxMentions)], nil
}

// mentioned returns, for each @ in a text that begins a word, the names that may stand behind it as [NameKey] spells them,
// the longest first.
func mentioned(text string) (names [][]string) {
	before := ' '
	for i, r := range text {
		if r == '@' && !isWord(before) && len(names) < maxMentions {
			if candidates := namesIn(text[i+1:]); candidates != nil {
				names = append(names, candidates)
			}
		}
		before = r
	}
	return names
}

// namesIn returns the names that a text may begin with, each once: whole words of one line, the longest first. What ends a
// sentence or makes a word a possessive is part of a name, or else not.
func namesIn(text string) (candidates []string) {
	runes, words := 0, 0
	inWord := false
	for i := 0; i <= len(text) && runes <= MaxNameRunes+maxNameEnding && words < maxMentionWords; {
		r, size := utf8.DecodeRuneInString(text[i:])
		if i == len(text) {
			r = '\n'
		}
		if inWord && !isWord(r) {
			word := strings.TrimRight(text[:i], wordSigns)
			candidates = append(candidates, withoutPossessive(word), word, text[:i])
			if unicode.Is(unicode.Pe, r) { // as in "Ana (Acme)"
				candidates = append(candidates, text[:i+size])
			}
			words++
		}
		if unicode.IsControl(r) {
			break
		}
		inWord = isWord(r)
		i += max(size, 1)
		runes++
	}
	slices.Reverse(candidates)
	candidates = slices.DeleteFunc(slices.Compact(candidates), func(name string) bool { return name == "" })
	for i, name := range candidates {
		candidates[i] = NameKey(name)
	}
	return candidates
}

// withoutPossessive is a word without an English 's at its end.
func withoutPossessive(word string) string {
	for _, ending := range []string{"'s", "\u2019s"} {
		if bare, ok := strings.CutSuffix(word, ending); ok {
			return bare
		}
	}
	return word
}

// wordSigns are what may be inside a name's word beside letters, marks and numbers.
const wordSigns = "_-.'\u2019"

// isWord tells what may be inside a name's word. Marks belong to the letter before them.
func isWord(r rune) bool {
	return unicode.In(r, unicode.L, unicode.M, unicode.N) || strings.ContainsRune(wordSigns, r)
}
