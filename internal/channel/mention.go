package channel

import (
	"context"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	maxMentions     = 50 // names that are looked for in one message, and users whom it names
	maxMentionWords = 4  // of one name
)

// mentions returns the users of the channel whom a body names: behind an @ that begins a word, the longest name that is
// there, whatever its case. A name that several users have names all of them; in all the first maxMentions. A message for everyone names only users who have
// done something for everyone to see, so that it does not tell who whispers.
func (s *Service) mentions(ctx context.Context, v *Viewer, c *Change) ([]User, error) {
	names := mentioned(c.Body)
	if len(names) == 0 {
		return nil, nil
	}
	var keys []string
	for _, candidates := range names {
		keys = append(keys, candidates...)
	}
	users, err := s.Conversation.Named(ctx, v.User.ID, c.Message.Channel, audienceOf(c.Message), keys)
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

// namesIn returns the names that a text may begin with: whole words of one line, the longest first.
func namesIn(text string) (candidates []string) {
	runes, words := 0, 0
	inWord := false
	for i := 0; i <= len(text) && runes <= MaxNameRunes && words < maxMentionWords; {
		r, size := utf8.DecodeRuneInString(text[i:])
		if i == len(text) {
			r = '\n'
		}
		if inWord && !isWord(r) {
			candidates = append(candidates, NameKey(text[:i]))
			words++
		}
		if unicode.IsControl(r) {
			break
		}
		inWord = isWord(r)
		i += max(size, 1)
		runes++
	}
	for i, j := 0, len(candidates)-1; i < j; i, j = i+1, j-1 {
		candidates[i], candidates[j] = candidates[j], candidates[i]
	}
	return candidates
}

// isWord tells what may be inside a name's word. Marks belong to the letter before them.
func isWord(r rune) bool {
	return unicode.In(r, unicode.L, unicode.M, unicode.N) || strings.ContainsRune("_-.'\u2019", r)
}
