package server_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"linkspan/internal/server/servertest"
)

const searchDocument = `query($id: ID!, $text: String!, $first: Int, $after: String, $last: Int, $before: String, $order: SearchOrder) {
	node(id: $id) { ... on SharedChannel {
		search(text: $text, first: $first, after: $after, last: $last, before: $before, order: $order) {
			edges { cursor node { id body } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } logCursor }
		messages(first: 0) { logCursor } } } }`

// talk is a channel of acme's and globex's.
type talk struct {
	t  testing.TB
	s  *place
	id string
}

func newTalk(t testing.TB, s *place, name string) *talk {
	t.Helper()
	id, invitation := offer(t, s, s.as("ana@acme"), "globex", name)
	succeed(t, s, s.as("gil@globex"), acceptDocument, object{"invitationId": invitation})
	return &talk{t, s, id}
}

// say posts to everyone and returns the message's id.
func (k *talk) say(who, body string) string { return k.post(who, object{"body": body}) }

// whisper posts to the user's own group and returns the message's id.
func (k *talk) whisper(who, body string) string {
	return k.post(who, object{"body": body, "audience": "OWN_GROUP"})
}

func (k *talk) post(who string, input object) string {
	k.t.Helper()
	payload := succeed(k.t, k.s, k.s.as(who), postDocument, with(input, object{"channelId": k.id}))
	return servertest.Get[string](k.t, payload, "message", "id")
}

// search returns a page of what was found: bodies, and the connection.
func (k *talk) search(who, text string, args object) (bodies []string, found object) {
	k.t.Helper()
	data := k.s.For(k.t).Must(k.s.as(who), searchDocument, with(object{"id": k.id, "text": text}, args))
	found = servertest.Get[object](k.t, data, "node", "search")
	if log := servertest.Get[string](k.t, data, "node", "messages", "logCursor"); found["logCursor"] != log {
		k.t.Errorf("the page is of %v in the log, want %s", found["logCursor"], log)
	}
	for _, edge := range servertest.Get[[]any](k.t, found, "edges") {
		bodies = append(bodies, servertest.Get[string](k.t, edge, "node", "body"))
	}
	return bodies, found
}

// finds fails the test unless a search finds exactly that, in that order.
func (k *talk) finds(who, text string, want ...string) {
	k.t.Helper()
	if got, _ := k.search(who, text, nil); !slices.Equal(got, want) {
		k.t.Errorf("%s searches for %q and finds %q, want %q", who, text, got, want)
	}
}

// TestSearch finds what a group may see and what the messages say now, in the syntax of web searches.
func TestSearch(t *testing.T) {
	shapes(t, servertest.Options{}, func(t *testing.T, s *place) {
		k := newTalk(t, s, "launch")
		other := newTalk(t, s, "other")
		other.say("ana@acme", "fox of another channel")

		long := strings.Repeat("x", 39_000)
		for _, body := range []string{"The quick brown FOX", "the fox is brown, not quick", "Straße nach ÄRGER", "O'Neil \\ said: 'fox'", "!!!", "x " + long, "https://example.com/a'b?c=d 'quoted"} {
			k.say("ana@acme", body)
		}
		for _, body := range []string{"“Typographic” client/server—ready", "明日の会議は十時です。", "ที่ประชุมพรุ่งนี้", "Завтра: собрание"} {
			other.say("gil@globex", body)
		}
		k.whisper("hua@globex", "a fox among us")
		k.whisper("ana@acme", "a fox of acme")
		k.say("gil@globex", "no animal")

		const quick, not, neil, ours, theirs = "The quick brown FOX", "the fox is brown, not quick", "O'Neil \\ said: 'fox'", "a fox of acme", "a fox among us"
		for text, want := range map[string][]string{
			"fox":                  {ours, neil, not, quick},
			"FoX bRoWn":            {not, quick},
			`"quick brown"`:        {quick},
			`"brown quick"`:        nil,
			"brown -quick":         nil,
			"fox -brown":           {ours, neil},
			"animal or strasse":    {"no animal", "Straße nach ÄRGER"},
			"STRASSE ärger":        {"Straße nach ÄRGER"},
			"a\u0308rger":          {"Straße nach ÄRGER"},
			"o'neil":               {neil},
			"'":                    nil,
			"!!!":                  nil,
			"\"":                   nil,
			"\\":                   nil,
			"or":                   nil,
			"-":                    nil,
			"(fox & ) | ' <-> ! '": {ours, neil, not, quick},
			"foxes":                nil,
			"example.com":          {"https://example.com/a'b?c=d 'quoted"},
			"quoted":               {"https://example.com/a'b?c=d 'quoted"},
			strings.Repeat("x", 512) + " " + strings.Repeat("x", 40): nil,
			strings.Repeat("x", 512):                                 {"x " + long},
			"-fox -x -quoted":                                        {"no animal", "!!!", "Straße nach ÄRGER"},
		} {
			k.finds("ana@acme", text, want...)
		}
		for text, want := range map[string][]string{
			"typographic": {"“Typographic” client/server—ready"}, "SERVER ready": {"“Typographic” client/server—ready"},
			"client/server": {"“Typographic” client/server—ready"}, "server/client": nil, "“client server”": {"“Typographic” client/server—ready"},
			"会議": {"明日の会議は十時です。"}, "議会": nil, "明日 十時": {"明日の会議は十時です。"}, "明日十時": nil, "ประชุม": {"ที่ประชุมพรุ่งนี้"}, "СОБРАНИЕ": {"Завтра: собрание"},
			"fox -会議": {"fox of another channel"}, `fox or "会議"`: {"明日の会議は十時です。", "fox of another channel"},
		} {
			other.finds("ana@acme", text, want...)
		}
		k.finds("gil@globex", "fox", theirs, neil, not, quick)
		k.finds("hua@globex member", "acme")
		k.finds("gil@globex", "-fox -x -quoted", "no animal", "!!!", "Straße nach ÄRGER")

		edited, deleted := k.say("ana@acme", "wolf in sight"), k.whisper("ana@acme", "wolf of acme")
		k.finds("ana@acme", "wolf", "wolf of acme", "wolf in sight")
		succeed(t, s, s.as("ana@acme"), editDocument, object{"messageId": edited, "body": "dog in sight"})
		succeed(t, s, s.as("ana@acme"), deleteDocument, object{"messageId": deleted})
		k.finds("ana@acme", "wolf")
		k.finds("ana@acme", "-dog sight")
		k.finds("gil@globex", "sight dog", "dog in sight")
		d := open(t, s)
		for _, pool := range d.shards {
			var left int
			err := pool.QueryRow(t.Context(), `SELECT count(*) FROM linkspan_shard.message_words AS w WHERE w.words::text LIKE '%wolf%'`).Scan(&left)
			if err != nil || left != 0 {
				t.Errorf("%d rows know of what nothing says any more: %v", left, err)
			}
		}

		if got, _ := k.search("ana@acme", "brown", object{"order": "RANK"}); !slices.Equal(got, []string{not, quick}) {
			t.Errorf("by rank, newest first where equal: %q", got)
		}
		k.say("ana@acme", "brown brown brown")
		k.say("ana@acme", "once brown in many many words that are of other matters")
		if got, _ := k.search("ana@acme", "brown", object{"order": "RANK", "first": 1}); !slices.Equal(got, []string{"brown brown brown"}) {
			t.Errorf("by rank: %q", got)
		}
	})
}

// TestSearchPages walks through what is found, both ways and in both orders, while both sides post more of it.
func TestSearchPages(t *testing.T) {
	t.Parallel()
	s := newPlace(servertest.New(t, servertest.Options{}), "")
	for _, order := range []string{"NEWEST", "RANK"} {
		t.Run(order, func(t *testing.T) {
			t.Parallel()
			p := s.apart(t)
			k := newTalk(t, p, "launch")
			want := map[string]bool{}
			for i := range 23 {
				body := fmt.Sprintf("first %d%s", i, strings.Repeat(" word", 1+i%4))
				want[body] = true
				switch i % 3 {
				case 0:
					k.say("gil@globex", body)
				case 1:
					k.whisper("ana@acme", body)
				default:
					k.say("ana@acme", body)
					k.whisper("gil@globex", "hidden word")
				}
			}
			all, _ := k.search("ana@acme", "word", object{"first": 100, "order": order})
			for _, backward := range []bool{false, true} {
				size, from, end, further := "first", "after", "endCursor", "hasNextPage"
				if backward {
					size, from, end, further = "last", "before", "startCursor", "hasPreviousPage"
				}
				var walked []string
				args := object{size: 4, "order": order}
				for more := true; more; {
					bodies, found := k.search("ana@acme", "word", args)
					info := servertest.Get[object](t, found, "pageInfo")
					more, args[from] = info[further].(bool), info[end]
					if backward {
						bodies, walked = walked, bodies
					}
					walked = append(walked, bodies...)
					k.say("gil@globex", "later word word")
					k.whisper("ana@acme", "later word")
				}
				ours := slices.DeleteFunc(slices.Clone(walked), func(body string) bool { return !want[body] })
				if order == "NEWEST" && !backward {
					ours = walked // what is newer is not behind
				}
				if !slices.Equal(ours, all) || len(all) != len(want) {
					t.Errorf("backward %v: %q, want %q", backward, walked, all)
				}
			}
		})
	}
}

// TestSearchBadInput refuses texts that nothing can be searched by, and cursors of anything else.
func TestSearchBadInput(t *testing.T) {
	t.Parallel()
	s := newPlace(servertest.New(t, servertest.Options{}), "")
	k, other := newTalk(t, s, "launch"), newTalk(t, s, "other")
	for range 3 {
		k.say("ana@acme", "word")
	}
	_, found := k.search("ana@acme", "word", nil)
	cursor := servertest.Get[string](t, found, "pageInfo", "endCursor")
	page := s.Must(s.as("ana@acme"), messagesDocument, object{"id": k.id})
	ofMessages := servertest.Get[string](t, page, "node", "messages", "pageInfo", "endCursor")
	for name, c := range map[string]struct {
		who  string
		want string
		args object
	}{
		"empty":                      {"ana@acme", "BAD_USER_INPUT", object{"text": ""}},
		"blank":                      {"ana@acme", "BAD_USER_INPUT", object{"text": " \u00a0\n"}},
		"NUL":                        {"ana@acme", "BAD_USER_INPUT", object{"text": "wo\x00rd"}},
		"561 code points":            {"ana@acme", "BAD_USER_INPUT", object{"text": strings.Repeat("ä", 561)}},
		"560 code points":            {"ana@acme", "", object{"text": strings.Repeat("ä", 560)}},
		"560 of four bytes":          {"ana@acme", "", object{"text": strings.Repeat("𝒳", 560)}},
		"its own cursor":             {"ana@acme", "", object{"after": cursor}},
		"no order":                   {"ana@acme", "", object{"after": cursor, "order": nil}},
		"another text's cursor":      {"ana@acme", "BAD_USER_INPUT", object{"text": "words", "after": cursor}},
		"another order's cursor":     {"ana@acme", "BAD_USER_INPUT", object{"order": "RANK", "before": cursor}},
		"another channel's cursor":   {"ana@acme", "BAD_USER_INPUT", object{"id": other.id, "after": cursor}},
		"another group's cursor":     {"gil@globex", "BAD_USER_INPUT", object{"after": cursor}},
		"a cursor of the messages":   {"ana@acme", "BAD_USER_INPUT", object{"after": ofMessages}},
		"an order that there is not": {"ana@acme", "BAD_USER_INPUT", object{"order": "OLDEST"}},
		"first and last":             {"ana@acme", "BAD_USER_INPUT", object{"first": 1, "last": 1}},
		"101":                        {"ana@acme", "BAD_USER_INPUT", object{"first": 101}},
		"an operator":                {"operator", "FORBIDDEN", nil},
	} {
		answer := s.Post(s.as(c.who), searchDocument, with(object{"id": k.id, "text": "word"}, c.args))
		got := ""
		if len(answer.Errors) > 0 {
			got = answer.Errors[0].Code()
		}
		if got != c.want {
			t.Errorf("%s: %s, want %q: %s", name, got, c.want, answer.Body)
		}
	}
	stranger := s.Must(s.as("ivy@initech"), searchDocument, object{"id": k.id, "text": "word"})
	if stranger["node"] != nil {
		t.Errorf("a stranger sees %v", stranger)
	}
}
