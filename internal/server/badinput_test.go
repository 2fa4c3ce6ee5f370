package server_test

import (
	"fmt"
	"strings"
	"testing"

	"linkspan/internal/ids"
	"linkspan/internal/server/servertest"
)

// bad is a request that must be refused and change nothing. Without a document it is a mutation's input.
type bad struct {
	name      string
	as        string // as users.as takes it
	mutation  string // one of the documents of mutations
	input     object
	document  string
	variables object
	want      string // the code of a fault, or a refusal's code and path
}

// ground is what bad requests are about.
type ground struct {
	*testing.T
	s        *place
	as       func(who string) string
	open     string // invitation from acme to globex, pending, that ben sent; the channel is "offered"
	offered  string // that channel
	linked   string // invitation that globex accepted; the channel is "launch" at acme, "liftoff" at globex
	declined string
	foreign  string // invitation of initech to umbrella
	groups   map[string]string
}

// TestBadInput sends what must be refused, one after the other, and compares all tables of all databases.
func TestBadInput(t *testing.T) {
	t.Parallel()
	sendBadInput(t, newPlace(servertest.New(t, servertest.Options{}), ""))
}

func sendBadInput(t *testing.T, s *place) {
	g, d := newGround(t, s), open(t, s)
	d.begin()
	for _, cases := range [][]bad{
		badIDs(g), badTargets(g), badNames(g), badTexts(g), badRoles(g), badStates(g), badKeys(g), badHandles(g), badPages(g), badDocuments(g),
	} {
		for _, b := range cases {
			t.Run(b.name, func(t *testing.T) {
				if got := g.try(t, b); got != b.want {
					t.Errorf("got %q, want %q", got, b.want)
				}
				d.unchanged(t)
			})
		}
	}
	t.Run("tokens", func(t *testing.T) { testBadTokens(t, s, d) })
	t.Run("malformed bodies", func(t *testing.T) { testMalformedBodies(t, g, d) })
	t.Run("large bodies", func(t *testing.T) { testLargeBodies(t, g, d) })
	t.Run("log cursors", func(t *testing.T) { testBadLogCursors(t, s, d) })
}

func newGround(t *testing.T, s *place) *ground {
	t.Helper()
	g := &ground{T: t, s: s, as: s.as, groups: map[string]string{}}
	for _, handle := range []string{"acme", "globex", "initech", "umbrella"} {
		g.groups[handle] = s.group(handle).ID.String()
	}
	g.offered, g.open = offer(t, s, g.as("ben@acme member"), "globex", "offered")
	_, g.linked = offer(t, s, g.as("ana@acme"), "globex", "launch")
	succeed(t, s, g.as("gil@globex"), acceptDocument, object{"invitationId": g.linked, "name": "liftoff"})
	_, g.declined = offer(t, s, g.as("ana@acme"), "globex", "declined")
	succeed(t, s, g.as("gil@globex"), declineDocument, object{"invitationId": g.declined})
	_, g.foreign = offer(t, s, g.as("ivy@initech"), "umbrella", "theirs")
	for _, name := range []string{"Straße", "café", "Ǆungla", "ὈΔΥΣΣΕΎΣ"} {
		offer(t, s, g.as("ana@acme"), "umbrella", name)
	}
	return g
}

// try sends a bad request and says how it was refused, "" if it was not.
func (g *ground) try(t *testing.T, b bad) string {
	t.Helper()
	document, variables := b.document, b.variables
	if b.mutation != "" {
		document, variables = b.mutation, object{"input": b.input}
	}
	answer := g.s.For(t).Post(g.as(b.as), document, variables)
	if len(answer.Errors) > 0 {
		if answer.Data != nil {
			for field, value := range answer.Data {
				if value != nil {
					t.Errorf("data beside the error: %s is %v", field, value)
				}
			}
		}
		return faultCode(t, answer)
	}
	payload, ok := answer.Data["it"].(object)
	if !ok || payload["errors"] == nil {
		return ""
	}
	return refusal(t, payload)
}

// faultCode checks the form of the errors of an answer and returns the code of the first.
func faultCode(t *testing.T, answer servertest.Answer) string {
	t.Helper()
	for _, e := range answer.Errors {
		_, hasRetryable := e.Extensions["retryable"].(bool)
		id, _ := e.Extensions["requestId"].(string)
		if e.Code() == "" || e.Message == "" || !hasRetryable || id == "" || answer.Header != nil && id != answer.Header.Get("X-Request-Id") {
			t.Errorf("not the form of an error: %s", answer.Body)
		}
		if e.Code() == "INTERNAL_SERVER_ERROR" {
			t.Errorf("an unknown error: %s", answer.Body)
		}
	}
	return answer.Errors[0].Code()
}

// malformed are texts that are no id of that type, with one of it and one of another at hand.
func malformed(good, other string) map[string]any {
	return map[string]any{
		"empty": "", "a word": "invitation", "prefix alone": good[:4], "no prefix": good[4:],
		"too short": good[:len(good)-1], "too long": good + "0", "padded": good + "=", "upper case": strings.ToUpper(good),
		"upper-case body": good[:4] + strings.ToUpper(good[4:]), "letter that is not in the alphabet": good[:len(good)-1] + "u",
		"not canonical": good[:len(good)-1] + "z", "space before": " " + good, "newline behind": good + "\n", "NUL": good[:8] + "\x00" + good[9:],
		"other type": other, "other prefix": other[:4] + good[4:], "uuid": "0190aaaa-bbbb-7ccc-8ddd-eeeeffff0000", "number": 5, "huge": strings.Repeat("a", 100_000),
		"quote": good + "'; DROP TABLE linkspan_main.groups; --", "emoji": "inv_🚀", "null": nil,
	}
}

func badIDs(g *ground) (list []bad) {
	mutations := []struct{ name, document, as string }{
		{"accept", acceptDocument, "gil@globex"}, {"decline", declineDocument, "gil@globex"}, {"revoke", revokeDocument, "ana@acme"},
	}
	for _, m := range mutations {
		for name, id := range malformed(g.open, g.offered) {
			list = append(list, bad{name: m.name + " id " + name, as: m.as, mutation: m.document, input: object{"invitationId": id}, want: "BAD_USER_INPUT"})
		}
		list = append(list,
			bad{name: m.name + " id missing", as: m.as, mutation: m.document, input: object{}, want: "BAD_USER_INPUT"},
			bad{name: m.name + " id unknown", as: m.as, mutation: m.document,
				input: object{"invitationId": ids.NewInvitation().String()}, want: "INVITATION_NOT_FOUND input.invitationId"},
			bad{name: m.name + " id of other groups", as: m.as, mutation: m.document,
				input: object{"invitationId": g.foreign}, want: "INVITATION_NOT_FOUND input.invitationId"},
			bad{name: m.name + " by a third group", as: "ivy@initech", mutation: m.document,
				input: object{"invitationId": g.open}, want: "INVITATION_NOT_FOUND input.invitationId"},
			bad{name: m.name + " by a third group's member", as: "ike@initech member", mutation: m.document,
				input: object{"invitationId": g.open}, want: "INVITATION_NOT_FOUND input.invitationId"},
			bad{name: m.name + " by an operator", as: "operator", mutation: m.document,
				input: object{"invitationId": g.open}, want: "INVITATION_NOT_FOUND input.invitationId"},
			bad{name: m.name + " by nobody", mutation: m.document, input: object{"invitationId": g.open}, want: "UNAUTHENTICATED"},
		)
	}
	for name, id := range malformed(g.offered, g.open) {
		if strings.HasPrefix(name, "other ") {
			continue // an id of another type is an id here
		}
		list = append(list,
			bad{name: "node id " + name, as: "ana@acme", document: `query($id: ID!) { node(id: $id) { id } }`, variables: object{"id": id}, want: "BAD_USER_INPUT"},
			bad{name: "nodes id " + name, as: "ana@acme", document: `query($good: ID!, $id: ID!) { nodes(ids: [$good, $id]) { id } }`,
				variables: object{"good": g.offered, "id": id}, want: "BAD_USER_INPUT"})
	}
	many := make([]string, 101)
	for i := range many {
		many[i] = g.offered
	}
	return append(list, bad{name: "nodes of 101 ids", as: "ana@acme", document: `query($ids: [ID!]!) { nodes(ids: $ids) { id } }`,
		variables: object{"ids": many}, want: "BAD_USER_INPUT"})
}

func badTargets(g *ground) (list []bad) {
	for name, b := range map[string]struct {
		target any
		want   string
	}{
		"unknown handle":         {object{"handle": "nobody"}, "GROUP_NOT_FOUND input.target"},
		"empty handle":           {object{"handle": ""}, "GROUP_NOT_FOUND input.target"},
		"handle in capitals":     {object{"handle": "GLOBEX"}, "GROUP_NOT_FOUND input.target"},
		"handle with a space":    {object{"handle": " globex"}, "GROUP_NOT_FOUND input.target"},
		"handle with a percent":  {object{"handle": "glob%"}, "GROUP_NOT_FOUND input.target"},
		"handle with a quote":    {object{"handle": "globex' OR ''='"}, "GROUP_NOT_FOUND input.target"},
		"handle of 100,000":      {object{"handle": strings.Repeat("g", 100_000)}, "GROUP_NOT_FOUND input.target"},
		"handle with NUL":        {object{"handle": "glob\x00ex"}, "BAD_USER_INPUT"},
		"handle that is no text": {object{"handle": 7}, "BAD_USER_INPUT"},
		"unknown id":             {object{"id": ids.NewGroup().String()}, "GROUP_NOT_FOUND input.target"},
		"zero id":                {object{"id": ids.Group{}.String()}, "GROUP_NOT_FOUND input.target"},
		"id of another type":     {object{"id": g.offered}, "BAD_USER_INPUT"},
		"malformed id":           {object{"id": "grp_"}, "BAD_USER_INPUT"},
		"neither":                {object{}, "BAD_USER_INPUT"},
		"null":                   {nil, "BAD_USER_INPUT"},
		"null handle":            {object{"handle": nil}, "BAD_USER_INPUT"},
		"both":                   {object{"handle": "globex", "id": g.groups["globex"]}, "BAD_USER_INPUT"},
		"handle and null id":     {object{"handle": "globex", "id": nil}, "BAD_USER_INPUT"},
		"id and null handle":     {object{"handle": nil, "id": g.groups["globex"]}, "BAD_USER_INPUT"},
		"both null":              {object{"handle": nil, "id": nil}, "BAD_USER_INPUT"},
		"another field":          {object{"handle": "globex", "name": "Globex"}, "BAD_USER_INPUT"},
		"oneself by handle":      {object{"handle": "acme"}, "SELF_INVITATION input.target"},
		"oneself by id":          {object{"id": g.groups["acme"]}, "SELF_INVITATION input.target"},
	} {
		list = append(list, bad{name: "target " + name, as: "ana@acme", mutation: createDocument,
			input: object{"target": b.target, "name": "new"}, want: b.want})
	}
	return append(list,
		bad{name: "target neither in a literal", as: "ana@acme", want: "GRAPHQL_VALIDATION_FAILED",
			document: `mutation { it: createSharedChannel(input: {target: {}, name: "new"}) { errors { code } } }`},
		bad{name: "target both in a literal", as: "ana@acme", want: "GRAPHQL_VALIDATION_FAILED",
			document: `mutation { it: createSharedChannel(input: {target: {handle: "globex", id: "` + g.groups["globex"] + `"}, name: "new"}) { errors { code } } }`},
	)
}

// unfit are names that no channel and no group can have.
func unfit() map[string]string {
	return map[string]string{
		"of 0 code points": "", "of 81 code points": strings.Repeat("a", 81), "of 81 emoji": strings.Repeat("🚀", 81),
		"of 80 that NFC makes more": strings.Repeat("a", 79) + "\u0958", "of 100,000": strings.Repeat("long ", 20_000),
		"of spaces": "   ", "of other spaces": "\u00a0\u2003\u3000\t", "of zero width": "\u200b\u200c\u200d\ufeff\u2060",
		"of a combining mark alone": "\u0301", "of a soft hyphen": "\u00ad", "with a newline": "two\nlines", "with a tab": "a\tb", "with a bell": "ring\a", "with DEL": "a\x7fb",
		"with a C1 control": "a\u0085b", "with a bidi override": "abc\u202etxt.exe", "with a bidi isolate": "abc\u2067def",
		"with a line separator": "a\u2028b", "with a paragraph separator": "a\u2029b",
	}
}

func badNames(g *ground) (list []bad) {
	for name, text := range unfit() {
		list = append(list,
			bad{name: "create name " + name, as: "ana@acme", mutation: createDocument,
				input: object{"target": object{"handle": "globex"}, "name": text}, want: "INVALID_INPUT input.name"},
			bad{name: "accept name " + name, as: "gil@globex", mutation: acceptDocument,
				input: object{"invitationId": g.open, "name": text}, want: "INVALID_INPUT input.name"},
			bad{name: "register name " + name, as: "operator", mutation: registerDocument,
				input: object{"handle": "hooli", "name": text}, want: "INVALID_INPUT input.name"})
	}
	for name, text := range map[string]string{
		"as it is": "launch", "in capitals": "LAUNCH", "between spaces": "  launch\u3000", "ß as SS": "STRASSE", "ß as ẞ": "STRAẞE",
		"decomposed": "cafe\u0301", "decomposed capitals": "CAFE\u0301", "titlecase digraph": "ǆUNGLA", "final sigma": "ὀδυσσεύσ",
		"of a pending channel": "Offered",
	} {
		list = append(list, bad{name: "create name taken " + name, as: "ana@acme", mutation: createDocument,
			input: object{"target": object{"handle": "globex"}, "name": text}, want: "NAME_TAKEN input.name"})
	}
	for name, input := range map[string]object{
		"create name":             {"target": object{"handle": "globex"}, "name": "a\x00b"},
		"create topic":            {"target": object{"handle": "globex"}, "name": "new", "topic": "a\x00b"},
		"create note":             {"target": object{"handle": "globex"}, "name": "new", "note": "\x00"},
		"create key":              {"target": object{"handle": "globex"}, "name": "new", "idempotencyKey": "a\x00"},
		"create number as a name": {"target": object{"handle": "globex"}, "name": 5},
		"create null as a name":   {"target": object{"handle": "globex"}, "name": nil},
		"create without a name":   {"target": object{"handle": "globex"}},
		"create unknown field":    {"target": object{"handle": "globex"}, "name": "new", "colour": "red"},
	} {
		if strings.Contains(fmt.Sprint(input), "\x00") {
			name += " with NUL"
		}
		list = append(list, bad{name: name, as: "ana@acme", mutation: createDocument, input: input, want: "BAD_USER_INPUT"})
	}
	for name, document := range map[string]string{
		"NUL in a literal":                `mutation { it: createSharedChannel(input: {target: {handle: "globex"}, name: "a\u0000b"}) { errors { code } } }`,
		"NUL in a long escape":            `mutation { it: createSharedChannel(input: {target: {handle: "globex"}, name: "a\u{0}b"}) { errors { code } } }`,
		"NUL in a handle's literal":       `{ group(handle: "ac\u0000me") { id } }`,
		"NUL in an id's literal":          `{ node(id: "chn_\u0000") { id } }`,
		"NUL in a cursor's literal":       `{ viewer { sharedChannels(after: "\u0000") { nodes { id } } } }`,
		"NUL in a block string's literal": "{ group(handle: \"\"\"ac\x00me\"\"\") { id } }",
	} {
		want := "BAD_USER_INPUT"
		if strings.Contains(document, "\x00") {
			want = "GRAPHQL_PARSE_FAILED"
		}
		list = append(list, bad{name: name, as: "ana@acme", document: document, want: want})
	}
	return list
}

func badTexts(g *ground) []bad {
	long, emoji := strings.Repeat("x", 561), strings.Repeat("🚀", 561)
	target := object{"handle": "globex"}
	return []bad{
		{name: "topic of 561", as: "ana@acme", mutation: createDocument, input: object{"target": target, "name": "new", "topic": long}, want: "INVALID_INPUT input.topic"},
		{name: "topic of 561 emoji", as: "ana@acme", mutation: createDocument, input: object{"target": target, "name": "new", "topic": emoji}, want: "INVALID_INPUT input.topic"},
		{name: "note of 561", as: "ana@acme", mutation: createDocument, input: object{"target": target, "name": "new", "note": long}, want: "INVALID_INPUT input.note"},
		{name: "note that NFC makes 561", as: "ana@acme", mutation: createDocument,
			input: object{"target": target, "name": "new", "note": strings.Repeat("x", 559) + "\u0958"}, want: "INVALID_INPUT input.note"},
		{name: "reason of 561 to decline", as: "gil@globex", mutation: declineDocument, input: object{"invitationId": g.open, "reason": long}, want: "INVALID_INPUT input.reason"},
		{name: "reason of 561 to revoke", as: "ana@acme", mutation: revokeDocument, input: object{"invitationId": g.open, "reason": long}, want: "INVALID_INPUT input.reason"},
		{name: "reason with NUL", as: "ana@acme", mutation: revokeDocument, input: object{"invitationId": g.open, "reason": "\x00"}, want: "BAD_USER_INPUT"},
	}
}

func badRoles(g *ground) (list []bad) {
	open := object{"invitationId": g.open}
	for _, b := range []struct{ name, as, document string }{
		{"a member accepts", "hua@globex member", acceptDocument},
		{"a member declines", "hua@globex member", declineDocument},
		{"the invited group revokes", "gil@globex", revokeDocument},
		{"the invited group's member revokes", "hua@globex member", revokeDocument},
		{"the initiator accepts its own", "ana@acme", acceptDocument},
		{"the initiator's member accepts its own", "ben@acme member", acceptDocument},
		{"the initiator declines its own", "ana@acme", declineDocument},
		{"a member revokes what another sent", "bob@acme member", revokeDocument},
	} {
		list = append(list, bad{name: b.name, as: b.as, mutation: b.document, input: open, want: "NOT_ALLOWED input.invitationId"})
	}
	register := object{"handle": "hooli", "name": "Hooli"}
	return append(list,
		bad{name: "an admin registers a group", as: "ana@acme", mutation: registerDocument, input: register, want: "NOT_ALLOWED"},
		bad{name: "a member registers a group", as: "ben@acme member", mutation: registerDocument, input: register, want: "NOT_ALLOWED"},
		bad{name: "nobody registers a group", mutation: registerDocument, input: register, want: "UNAUTHENTICATED"},
		bad{name: "an admin registers a taken handle", as: "ana@acme", mutation: registerDocument, input: object{"handle": "globex", "name": "x"}, want: "NOT_ALLOWED"},
		bad{name: "an operator creates", as: "operator", mutation: createDocument, input: object{"target": object{"handle": "globex"}, "name": "new"}, want: "NOT_ALLOWED"},
		bad{name: "nobody creates", mutation: createDocument, input: object{"target": object{"handle": "globex"}, "name": "new"}, want: "UNAUTHENTICATED"},
	)
}

func badStates(g *ground) []bad {
	const notPending = "INVITATION_NOT_PENDING input.invitationId"
	linked, declined := object{"invitationId": g.linked}, object{"invitationId": g.declined}
	return []bad{
		{name: "decline after accept", as: "gil@globex", mutation: declineDocument, input: linked, want: notPending},
		{name: "revoke after accept", as: "ana@acme", mutation: revokeDocument, input: linked, want: notPending},
		{name: "accept after decline", as: "gil@globex", mutation: acceptDocument, input: declined, want: notPending},
		{name: "revoke after decline", as: "ana@acme", mutation: revokeDocument, input: declined, want: notPending},
		{name: "a member accepts what is accepted", as: "hua@globex member", mutation: acceptDocument, input: linked, want: "NOT_ALLOWED input.invitationId"},
		{name: "the initiator accepts what is accepted", as: "ana@acme", mutation: acceptDocument, input: linked, want: "NOT_ALLOWED input.invitationId"},
	}
}

func badKeys(g *ground) (list []bad) {
	for name, b := range map[string]struct {
		as, document string
		input        object
	}{
		"create":   {"ana@acme", createDocument, object{"target": object{"handle": "globex"}, "name": "new"}},
		"accept":   {"gil@globex", acceptDocument, object{"invitationId": g.open}},
		"decline":  {"gil@globex", declineDocument, object{"invitationId": g.open}},
		"revoke":   {"ana@acme", revokeDocument, object{"invitationId": g.open}},
		"register": {"operator", registerDocument, object{"handle": "hooli", "name": "Hooli"}},
	} {
		for length, key := range map[string]string{"0": "", "201": strings.Repeat("k", 201), "201 emoji": strings.Repeat("🔑", 201), "100,000": strings.Repeat("k", 100_000)} {
			list = append(list, bad{name: name + " key of " + length, as: b.as, mutation: b.document,
				input: with(b.input, object{"idempotencyKey": key}), want: "INVALID_INPUT input.idempotencyKey"})
		}
		list = append(list, bad{name: name + " key that is no text", as: b.as, mutation: b.document,
			input: with(b.input, object{"idempotencyKey": 7}), want: "BAD_USER_INPUT"})
	}
	return list
}

func badHandles(*ground) (list []bad) {
	for _, handle := range []string{"", "a", "-ab", "Ab", "a_b", "a b", "äb", "ab\n", "\nab", "ａｂ", "a.b", strings.Repeat("a", 40), strings.Repeat("a", 100_000)} {
		list = append(list, bad{name: fmt.Sprintf("register handle %.45q", handle), as: "operator", mutation: registerDocument,
			input: object{"handle": handle, "name": "Hooli"}, want: "INVALID_INPUT input.handle"})
	}
	return append(list,
		bad{name: "register handle taken", as: "operator", mutation: registerDocument, input: object{"handle": "globex", "name": "Hooli"}, want: "NAME_TAKEN input.handle"},
		bad{name: "register handle with NUL", as: "operator", mutation: registerDocument, input: object{"handle": "a\x00b", "name": "Hooli"}, want: "BAD_USER_INPUT"},
	)
}

func badPages(g *ground) (list []bad) {
	lists := map[string]struct{ as, begin, end string }{
		"channels": {"ana@acme", `viewer { list: sharedChannels`, `}`},
		"received": {"gil@globex", `viewer { list: receivedInvitations`, `}`},
		"sent":     {"ana@acme", `viewer { list: sentInvitations`, `}`},
		"open":     {"ana@acme", `node(id: "` + g.offered + `") { ... on SharedChannel { list: invitations`, `} }`},
	}
	const fields = ` { edges { cursor } nodes { id } pageInfo { endCursor } }`
	cursors := map[string]string{}
	for name, l := range lists {
		data := g.s.For(g).Must(g.as(l.as), `{ `+l.begin+fields+l.end+` }`, nil)
		for _, root := range data {
			cursors[name] = servertest.Get[string](g, root, "list", "edges", 0, "cursor")
		}
	}
	globex := ids.PageCursor{Kind: ids.ListSharedChannels, Reader: g.s.group("globex").ID, Position: 1}.String()
	for name, l := range lists {
		arguments := map[string]string{
			"first -1": `first: -1`, "first 101": `first: 101`, "last -1": `last: -1`, "last 101": `last: 101`, "both": `first: 1, last: 1`,
			"both 0": `first: 0, last: 0`, "first beyond 32 bits": `first: 2147483648`, "first least": `first: -2147483648`,
			"first beyond 64 bits": `first: 99999999999999999999`, "last beyond 64 bits": `last: -99999999999999999999`,
			"after empty": `after: ""`, "after garbled": `after: "garbled"`, "before garbled": `before: "!!!"`, "after an id": `after: "` + g.offered + `"`,
			"after cut": `after: "` + cursors[name][:len(cursors[name])-2] + `"`, "after longer": `after: "` + cursors[name] + `AA"`,
			"after padded": `after: "` + cursors[name] + `="`, "before flipped": `before: "` + flipped(cursors[name]) + `"`,
			"before huge":           `before: "` + strings.Repeat("A", 100_000) + `"`,
			"before a log's cursor": `before: "` + ids.LogCursor{Kind: ids.LogInbox, Reader: ids.NewGroup(), Position: 1}.String() + `"`,
		}
		for other, cursor := range cursors {
			if other != name {
				arguments["after one of "+other] = `after: "` + cursor + `"`
				arguments["before one of "+other] = `before: "` + cursor + `"`
			}
		}
		if name != "received" {
			arguments["after another group's"] = `after: "` + globex + `"`
		}
		for what, argument := range arguments {
			want := "BAD_USER_INPUT"
			if strings.Contains(what, "64 bits") {
				want = "GRAPHQL_VALIDATION_FAILED" // no number that any Int could be
			}
			list = append(list, bad{name: name + " " + what, as: l.as, document: `{ ` + l.begin + `(` + argument + `)` + fields + l.end + ` }`, want: want})
		}
		for what, variable := range map[string]any{"huge": 99999999999, "a fraction": 1.5, "a word": "many", "a truth": true} {
			list = append(list, bad{name: name + " first that is " + what, as: l.as, want: "BAD_USER_INPUT", variables: object{"first": variable},
				document: `query($first: Int) { ` + l.begin + `(first: $first)` + fields + l.end + ` }`})
		}
	}
	return append(list,
		bad{name: "states of no such state", as: "ana@acme", want: "BAD_USER_INPUT", variables: object{"states": []string{"LOST"}},
			document: `query($states: [InvitationState!]) { viewer { sentInvitations(states: $states) { totalCount } } }`},
	)
}

// flipped returns a text with another letter in its middle.
func flipped(text string) string {
	changed := []byte(text)
	if at := len(changed) / 2; changed[at] == 'A' {
		changed[at] = 'B'
	} else {
		changed[at] = 'A'
	}
	return string(changed)
}

func badDocuments(*ground) []bad {
	deep := strings.Repeat("{ viewer ", 6000) + strings.Repeat("} ", 6000)
	aliases := ""
	for i := range 2000 {
		aliases += fmt.Sprintf("a%d: __typename ", i)
	}
	return []bad{
		{name: "no document", as: "ana@acme", document: "", want: "GRAPHQL_VALIDATION_FAILED"},
		{name: "no GraphQL", as: "ana@acme", document: "hello {", want: "GRAPHQL_PARSE_FAILED"},
		{name: "unknown field", as: "ana@acme", document: "{ nothing }", want: "GRAPHQL_VALIDATION_FAILED"},
		{name: "deeper than allowed", as: "ana@acme", document: deep, want: "LIMIT_EXCEEDED"},
		{name: "more tokens than allowed", as: "ana@acme", document: "{ viewer { " + strings.Repeat("id ", 15_000) + "} }", want: "LIMIT_EXCEEDED"},
		{name: "more aliases than allowed", as: "", document: "{ " + aliases + "}", want: "LIMIT_EXCEEDED"},
		{name: "more pages than allowed", as: "ana@acme", want: "LIMIT_EXCEEDED", variables: object{"n": 100},
			document: "query ($n: Int) { viewer { sharedChannels(first: $n) { nodes { invitations(first: $n) { nodes { id note reason } } } } } }"},
		{name: "fragment cycle", as: "ana@acme", document: "{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }", want: "GRAPHQL_VALIDATION_FAILED"},
		{name: "variable missing", as: "ana@acme", document: "query($id: ID!) { node(id: $id) { id } }", want: "BAD_USER_INPUT"},
	}
}
