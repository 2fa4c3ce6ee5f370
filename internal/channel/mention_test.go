package channel

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"linkspan/internal/ids"
)

// named is a channel whose users are known by these names.
type named struct {
	Conversation
	names map[string][]User
	asked int // for names, in the largest question
}

func (n *named) Named(_ context.Context, _ Reader, _ ids.Channel, _ Audience, keys []string) (map[string][]User, error) {
	n.asked = max(n.asked, len(keys))
	found := map[string][]User{}
	for _, key := range keys {
		if users := n.names[key]; users != nil {
			found[key] = append(found[key], users...) // twice for a key that is asked for twice
		}
	}
	return found, nil
}

// TestMentions finds users by their names wherever a sentence may put them.
func TestMentions(t *testing.T) {
	t.Parallel()
	group := ids.NewGroup()
	in := &named{names: map[string][]User{}}
	for _, name := range []string{
		"Ana", "Ana Miller", "Ana (Acme)", "Jean-Luc", "O'Neil", "dr. who jr.", "Óscar", "gil_7", "王小明", "Jürgen", "James", "s",
		"Maria del Carmen García López", "one two three four five six", "one two three four five six seven", strings.Repeat("n", MaxNameRunes),
	} {
		in.names[NameKey(name)] = []User{{ID: ids.UserOf(group, name), Name: name}}
	}
	service := &Service{Conversation: in}
	for body, want := range map[string]string{
		"@Ana":                               "Ana",
		"Thanks, @ana.":                      "Ana",
		"Is that @ANA?":                      "Ana",
		"Ask @Ana...":                        "Ana",
		"It is @Ana's idea":                  "Ana",
		"It is @Ana\u2019s.":                 "Ana",
		"It is James\u2019, as @James' is":   "James",
		"“@Ana”":                             "Ana",
		"(@Ana)":                             "Ana",
		"*@Ana*":                             "Ana",
		"@Ana-":                              "Ana",
		"@Ana, @Jean-Luc: hello":             "Ana|Jean-Luc",
		"@Ana @Jean-Luc @ana":                "Ana|Jean-Luc",
		"@Ana Miller.":                       "Ana Miller",
		"@Ana Miller's, not @Ana":            "Ana Miller|Ana",
		"@Ana (Acme), hello":                 "Ana (Acme)",
		"@Ana (Globex), hello":               "Ana",
		"@Ana\nMiller":                       "Ana",
		"@o'neil's @gil_7.":                  "O'Neil|gil_7",
		"@Dr. Who Jr.":                       "dr. who jr.",
		"@O\u0301scar, @王小明。":                "Óscar|王小明",
		"@Maria del Carmen García López!":    "Maria del Carmen García López",
		"@one two three four five six":       "one two three four five six",
		"@one two three four five six seven": "one two three four five six",
		"@" + strings.Repeat("N", MaxNameRunes) + ".": strings.Repeat("n", MaxNameRunes),
		"ana@acme.com":   "",
		"@Anabel":        "",
		"@Jean":          "",
		"@":              "",
		"@ Ana":          "",
		"@@Ana":          "Ana",
		"@'s":            "",
		"@...":           "",
		"@\x00Ana":       "",
		"no @names here": "",
	} {
		c := &Change{Kind: EventMessagePosted, Body: body}
		users, err := service.mentions(t.Context(), &Viewer{}, c)
		if err != nil {
			t.Errorf("%q: %v", body, err)
		}
		var got []string
		for _, user := range users {
			got = append(got, user.Name)
		}
		if strings.Join(got, "|") != want {
			t.Errorf("%q names %q, want %q", body, got, want)
		}
	}
}

// TestMentionsAskOnce has a message name the same again and again: each is looked for once.
func TestMentionsAskOnce(t *testing.T) {
	t.Parallel()
	in := &named{}
	service := &Service{Conversation: in}
	body := strings.Repeat("@Ana's (a) b's (b) c's (c) d's (d) ", maxMentions*2)
	if _, err := service.mentions(t.Context(), &Viewer{}, &Change{Kind: EventMessagePosted, Body: body}); err != nil || in.asked > 4*maxMentionWords {
		t.Errorf("asks for %d names, though each is the same: %v", in.asked, err)
	}
}

// namesakes is a channel in which many users have each name.
type namesakes struct {
	Conversation
	each int
}

func (n namesakes) Named(_ context.Context, reader Reader, _ ids.Channel, _ Audience, keys []string) (map[string][]User, error) {
	users := map[string][]User{}
	for _, key := range keys {
		for i := range n.each {
			users[key] = append(users[key], User{ID: ids.UserOf(reader.User.Group, fmt.Sprint(key, i)), Name: key})
		}
	}
	return users, nil
}

// A message names all who have a name, but never more than maxMentions users.
func TestMentionsAreBounded(t *testing.T) {
	t.Parallel()
	v := &Viewer{User: User{ID: ids.UserOf(ids.NewGroup(), "ana")}}
	for each, want := range map[int]int{1: 2, 25: 50, 26: 50, 1000: 50} {
		s := &Service{Conversation: namesakes{each: each}}
		users, err := s.mentions(t.Context(), v, &Change{Body: "@ana, @ben"})
		if err != nil || len(users) != want {
			t.Errorf("of two names that %d have each it names %d users, %v; want %d", each, len(users), err, want)
		}
	}
}

// FuzzMentioned reads the names in any text: what may be a name is one that a user can have, as it is found by, the longest
// first, and not many.
func FuzzMentioned(f *testing.F) {
	for _, seed := range []string{
		"", "@", "@Ana", "@ana.", "@Ana's", "@O\u2019Neil\u2019s", "@Ana (Acme)", "@one two three four five six seven", "ana@acme.com", "@@@", "@\u0301", "@ß @İ @ꮮ @Ꮮ",
		strings.Repeat("@a ", 100), "@" + strings.Repeat("é", 200), "@a\nb", "@a\x00", "@\xff", "@王小明。", "@'s", "@-._'", "@👍", "@a)))", strings.Repeat("@", 1000),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		names := mentioned(text)
		if len(names) > maxMentions || len(names) > strings.Count(text, "@") {
			t.Errorf("%q has %d mentions", text, len(names))
		}
		for _, candidates := range names {
			if len(candidates) == 0 || len(candidates) > 4*maxMentionWords {
				t.Errorf("%q: %d candidates", text, len(candidates))
			}
			for i, name := range candidates {
				if name == "" || name != NameKey(name) || slices.Contains(candidates[:i], name) {
					t.Errorf("%q: %q of %q", text, name, candidates)
				}
			}
		}
	})
}
