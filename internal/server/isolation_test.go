package server_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"linkspan/internal/server/servertest"
)

// TestIsolation walks every field of the schema as every column of the table, before and after globex accepts. Where
// there is one shard all groups share a slot of it, too.
func TestIsolation(t *testing.T) {
	shapes(t, servertest.Options{}, func(t *testing.T, s *place) {
		if len(s.Config.Shards) == 1 {
			s = s.onOneSlot(t, "acme", "globex", "initech", "umbrella")
		}
		w := newWorld(t, s)
		complete(t, w.schema)
		t.Run("pending", func(t *testing.T) { w.walk(t, "other", "invited") })
		w.accept(t)
		t.Run("linked", func(t *testing.T) {
			w.walk(t, "nobody", "expired", "other", "member", "admin", "asker", "owner", "operator")
		})
	})
}

// movesFirst are fields that say nothing until something moves; TestChannelActivity asks them as each group.
var movesFirst = map[string]bool{"Subscription.channelActivity": true, "ChannelActivity.sharedChannel": true}

// complete fails the test for each field of the schema that the table lacks, and each entry of the table without one.
func complete(t *testing.T, s schema) {
	t.Helper()
	told := map[string]bool{}
	for _, group := range slices.Concat(isolation, isolatedLinks, isolatedBlocks) {
		for _, row := range group.may {
			if got := len(strings.Fields(row.get)); got != len(columns) {
				t.Errorf("%s %s: the table tells of %d columns, not %d", group.typ, row.fields, got, len(columns))
			}
			for _, entry := range strings.Fields(row.fields) {
				field, ok := s.field(group.typ, entry)
				if !ok {
					t.Errorf("the table has %s.%s, and the schema does not", group.typ, entry)
				}
				told[group.typ+"."+field.name], told[group.typ+"."+entry] = true, true
			}
		}
	}
	for name, typ := range s.types {
		if typ.Kind != "OBJECT" {
			continue
		}
		for _, field := range typ.Fields {
			if !told[name+"."+field.name] && !movesFirst[name+"."+field.name] {
				t.Errorf("the table lacks %s.%s: say in it who may see that", name, field.name)
			}
		}
	}
	for _, node := range s.nodes {
		for _, entry := range []string{"Query.node(id:$" + node + ")", "Query.nodes(ids:[$" + node + "])"} {
			if !told[entry] {
				t.Errorf("the table lacks %s", entry)
			}
		}
	}
	if t.Failed() {
		t.FailNow()
	}
}

// walk asks every field of the table as those columns.
func (w *world) walk(t *testing.T, as ...string) {
	for _, column := range as {
		t.Run(column, func(t *testing.T) {
			t.Parallel()
			c := &cell{w: w, t: t, column: column, place: slices.Index(columns, column), hidden: w.hidden(column)}
			if groupOf[column] != "" {
				user := map[string]string{"other": "ivy", "invited": "gil", "member": "hua", "admin": "gil", "asker": "ben", "owner": "ana"}[column]
				c.start = w.start(t, user)
			} else {
				c.start = w.known["startOfAcme"].(string)
			}
			for _, group := range slices.Concat(isolation, isolatedLinks, isolatedBlocks) {
				for _, row := range group.may {
					want := strings.Fields(row.get)[c.place]
					if full := words[want]; full != "" {
						want = full
					}
					c.check(group, strings.Fields(row.fields), want)
				}
			}
		})
	}
}

// cell asks fields as one column.
type cell struct {
	w      *world
	t      *testing.T
	column string
	place  int
	start  string
	hidden []string
	socket *socket
}

// words are the short forms of the table.
var words = map[string]string{"U": "UNAUTHENTICATED", "BAD": "BAD_USER_INPUT"}

// roots are the types whose fields are where answers begin.
var roots = []string{"Query", "Mutation", "Subscription"}

// check asks the fields of a row, together where one's answer can't hide another's.
func (c *cell) check(group isolated, entries []string, want string) {
	c.t.Helper()
	if fault := strings.ToUpper(want) == want && len(want) > 2; len(entries) > 1 && fault && want != "UNAUTHENTICATED" {
		for _, entry := range entries {
			c.check(group, []string{entry}, want)
		}
		return
	}
	depth := 0
	if group.typ == "Mutation" {
		depth = 3 // asked once, because it changes something
	}
	document := c.document(group, c.fields(group.typ, entries, depth))
	variables := c.variables(document)
	answer := c.ask(document, variables, false)
	for i, entry := range entries {
		if got := judge(answer, alias(i), group.typ == "Mutation"); got != want {
			c.t.Errorf("%s.%s as %s is %s, want %s\n%s\n%v\n%s", group.typ, entry, c.column, got, want, short(document), variables, short(answer.Body))
		}
	}
	if slices.Contains(roots, group.typ) && group.typ != "Mutation" {
		deep := c.document(group, c.fields(group.typ, entries, 3))
		answer := c.ask(deep, variables, true) // for what it shows
		if len(answer.Errors) > 0 && strings.HasPrefix(answer.Errors[0].Code(), "GRAPHQL_") {
			c.t.Errorf("%s\n%s", deep, answer.Body)
		}
	}

	// What is not for this column must look as if it did not exist. (No group leaves a channel here, so that is seen by nobody.)
	hidden := want == "-" && group.typ != "GroupUnlinked" || strings.HasSuffix(want, "NOT_FOUND") || want == "0" && group.typ == "Query"
	if c.column != "other" && !hidden {
		return
	}
	unknown, differs := with(variables, nil), false
	for name := range variables {
		if name == "talkStart" {
			unknown[name], differs = c.w.startOfNothing(groupOf[c.column]), true
		}
		if value, ok := c.w.unknown[name]; ok {
			unknown[name], differs = value, true
		}
	}
	if !differs {
		return
	}
	if other := c.ask(document, unknown, false); anonymous(other.Body) != anonymous(answer.Body) || other.Status != answer.Status {
		c.t.Errorf("%s.%v as %s tells what exists:\n%s\n%v: %s\n%v: %s", group.typ, entries, c.column, document, variables, answer.Body, unknown, other.Body)
	}
}

// alias is the name of the i-th field that is asked for.
func alias(i int) string { return fmt.Sprintf("it%d", i) }

// fields writes entries of the table as fields of a document.
func (c *cell) fields(typ string, entries []string, depth int) string {
	var all []string
	for i, entry := range entries {
		field, _ := c.w.schema.field(typ, entry)
		all = append(all, strings.TrimSpace(alias(i)+": "+entry+" "+c.w.schema.selection(field.typ, depth)))
	}
	return strings.Join(all, " ")
}

var requestIDs = regexp.MustCompile(`"requestId":"[^"]*"`)

// anonymous returns an answer without its request id.
func anonymous(body string) string { return requestIDs.ReplaceAllString(body, `"requestId":""`) }

// types are those of the variables that are not ids.
var types = map[string]string{
	"handle": "String!", "start": "LogCursor", "startOfAcme": "LogCursor", "channelsOfAcme": "String", "receivedByAcme": "String",
	"sentByAcme": "String", "openOfAcme": "String", "auditOfAcme": "String", "register": "RegisterGroupInput!", "accept": "AcceptSharedChannelInput!",
	"create": "CreateSharedChannelInput!", "decline": "DeclineInvitationInput!", "revoke": "RevokeInvitationInput!",
	"talkStart": "LogCursor", "talkStartOfAcme": "LogCursor", "messagesOfAcme": "String", "repliesOfAcme": "String",
	"post": "PostMessageInput!", "edit": "EditMessageInput!", "delete": "DeleteMessageInput!", "react": "AddReactionInput!",
	"unreact": "RemoveReactionInput!", "mark": "MarkReadInput!", "target": "GroupSelector!", "approve": "ApproveInvitationInput!",
	"invite": "InviteGroupInput!", "leave": "LeaveSharedChannelInput!", "remove": "RemoveGroupInput!", "letInvite": "LetGroupInviteInput!",
	"updateSide": "UpdateChannelSideInput!", "offer": "OfferInitiatorTransferInput!", "take": "AcceptInitiatorTransferInput!",
	"deny": "DenyInvitationInput!", "policy": "SetSharingPolicyInput!", "trust": "TrustGroupInput!", "untrust": "UntrustGroupInput!",
	"block": "BlockGroupInput!", "unblock": "UnblockGroupInput!", "listMember": "AddChannelMemberInput!", "unlistMember": "RemoveChannelMemberInput!",
}

var variableNames = regexp.MustCompile(`\$(\w+)`)

// document writes a document that asks for fields, with its variables declared.
func (c *cell) document(group isolated, fields string) string {
	document := strings.Replace(group.ask, "FIELD", fields, 1)
	var declared []string
	for _, found := range variableNames.FindAllStringSubmatch(document, -1) {
		typ := "ID!"
		for name, t := range types {
			if found[1] == name || strings.HasSuffix(t, "Input!") && strings.HasPrefix(found[1], name) {
				typ = t
			}
		}
		if one := found[0] + ": " + typ; !slices.Contains(declared, one) {
			declared = append(declared, one)
		}
	}
	if len(declared) > 0 {
		document = strings.Replace(document, " {", "("+strings.Join(declared, ", ")+") {", 1)
	}
	return document
}

// variables gives a document's variables their values.
func (c *cell) variables(document string) object {
	n := c.w.made.Add(1)
	values := object{}
	for _, found := range variableNames.FindAllStringSubmatch(document, -1) {
		if _, ok := values[found[1]]; !ok {
			values[found[1]] = c.variable(found[1], n)
		}
	}
	return values
}

// variable returns the value of a variable; n is the number of the question.
func (c *cell) variable(name string, n int64) any {
	if value, ok := c.w.known[name]; ok {
		return value
	}
	if input, ok := c.linked(name, n); ok {
		return input
	}
	group := groupOf[c.column]
	fresh := fmt.Sprintf("made-by-%s-%d", group, n)
	create := object{"target": c.w.s.to("umbrella"), "name": fresh, "idempotencyKey": fresh}
	taken := map[string]string{"acme": "acme-secret-name", "globex": "taken-at-globex", "initech": "taken-at-initech"}[group]
	switch name {
	case "start":
		return c.start
	case "talkStart":
		return c.w.talkStart(group)
	case "register":
		return object{"handle": fmt.Sprintf("new-%d", n), "name": "New"}
	case "create":
		return create
	case "createReusing":
		return with(create, object{"name": fresh + "-other"})
	case "createWithNobody":
		return with(create, object{"target": object{"handle": "nobody-has-this"}})
	case "createWithSelf":
		if group == "" {
			group = "acme"
		}
		return with(create, object{"target": c.w.s.to(group)})
	case "createTaken":
		return with(create, object{"name": taken})
	case "createBlank":
		return with(create, object{"name": " "})
	case "accept":
		return object{"invitationId": c.fresh(n), "name": "taken-at-globex"}
	case "decline", "revoke":
		return object{"invitationId": c.fresh(n)}
	case "target":
		return c.w.s.to("umbrella")
	case "trust", "untrust":
		return object{"target": c.w.s.to("umbrella")}
	case "block", "unblock":
		return object{"target": c.w.s.to(blocked[group])}
	case "policy":
		return object{"expectedVersion": c.policyVersion()}
	case "policyStale":
		return object{"expectedVersion": 0}
	}
	return c.said(name, n)
}

// policyVersion is the version of the policy of the column's group, for those who may read it; 1 for others.
func (c *cell) policyVersion() any {
	answer := c.w.s.For(c.t).Post(c.w.tokens[c.column], `{ viewer { sharingPolicy { version } } }`, nil)
	if version, ok := find(answer.Data, "version"); ok {
		return version
	}
	return 1
}

// fresh returns the id of a pending invitation from acme to globex that nobody has touched.
func (c *cell) fresh(n int64) any {
	if groupOf[c.column] == "" || c.column == "other" {
		return c.w.known["Invitation"]
	}
	_, invitation := offer(c.t, c.w.s, c.w.users["ana"], "globex", fmt.Sprintf("fresh-secret-name-%d", n))
	return invitation
}

// ask sends a document and searches what comes back for what the column must not see. Of a log it reads all that
// there is, or as much as it takes to see the field.
func (c *cell) ask(document string, variables object, all bool) servertest.Answer {
	c.t.Helper()
	var answers []servertest.Answer
	if strings.HasPrefix(document, "subscription") {
		answers = c.follow(document, variables, all)
	} else {
		answers = []servertest.Answer{c.w.s.For(c.t).Post(c.w.tokens[c.column], document, variables)}
	}
	for _, answer := range answers {
		for _, secret := range c.hidden {
			if strings.Contains(answer.Body, secret) {
				c.t.Errorf("%s sees %q\n%s\n%v\n%s", c.column, secret, short(document), variables, short(answer.Body))
			}
		}
	}
	// Of several events one that has the field tells the most.
	for _, answer := range answers {
		if value, ok := find(answer.Data, alias(0)); ok && value != nil {
			return answer
		}
	}
	return answers[len(answers)-1]
}

// follow subscribes and returns the answers up to the first that has the field or, of a log from its beginning, all up to
// its checkpoint.
func (c *cell) follow(document string, variables object, all bool) []servertest.Answer {
	c.t.Helper()
	if c.column == "expired" { // no socket opens with it; a stream is refused as any request is
		return []servertest.Answer{c.w.s.For(c.t).Post(c.w.tokens[c.column], document, variables)}
	}
	if c.socket == nil {
		c.socket = dial(c.t, c.w.s, bearing{payload: c.w.tokens[c.column]})
	}
	id := c.socket.subscribe(document, variables)
	var answers []servertest.Answer
	for {
		answer, done := c.socket.answer(id)
		if done && len(answers) == 0 {
			c.t.Fatalf("completed without an answer: %s", document)
		}
		if done {
			return answers
		}
		answers = append(answers, answer)
		if len(answer.Errors) > 0 {
			return answers
		}
		value, _ := find(answer.Data, alias(0))
		replay := strings.Contains(document, "inbox(") || strings.Contains(document, "after: $talkStart") || strings.Contains(document, "after:$talkStart")
		whole := replay && (all || value == nil)
		if !whole || strings.HasSuffix(kindOf(answer), "Checkpoint") {
			c.socket.complete(id)
			return answers
		}
	}
}

// kindOf is the type of an event.
func kindOf(answer servertest.Answer) string {
	for _, event := range answer.Data {
		kind, _ := event.(object)["__typename"].(string)
		return kind
	}
	return ""
}

// short cuts a long text for a test's log.
func short(text string) string {
	const enough = 500
	if len(text) > enough {
		return text[:enough] + " …"
	}
	return text
}

// judge says in the table's words what an answer has for a field.
func judge(answer servertest.Answer, field string, mutation bool) string {
	if len(answer.Errors) > 0 {
		return answer.Errors[0].Code()
	}
	value, ok := find(answer.Data, field)
	if !ok {
		return "-"
	}
	if mutation {
		for field, refusal := range refusals(value) {
			if strings.HasSuffix(field, "_code") {
				return refusal.(string)
			}
		}
	}
	list, isList := value.([]any)
	switch {
	case value == nil, isList && len(list) > 0 && !slices.ContainsFunc(list, func(one any) bool { return one != nil }):
		return "0"
	case isList && len(list) == 0:
		return "[]"
	}
	return "V"
}

// refusals returns the fields of a payload's first refusal.
func refusals(payload any) object {
	list, _ := payload.(object)["errors"].([]any)
	if len(list) == 0 {
		return nil
	}
	return list[0].(object)
}

// find returns the value of a field anywhere in data, one that is not null where there are several.
func find(data any, field string) (value any, ok bool) {
	switch data := data.(type) {
	case object:
		if value, ok := data[field]; ok {
			return value, true
		}
		for _, inner := range data {
			if found, has := find(inner, field); has {
				if value, ok = found, true; value != nil {
					return value, true
				}
			}
		}
	case []any:
		for _, inner := range data {
			if found, has := find(inner, field); has {
				if value, ok = found, true; value != nil {
					return value, true
				}
			}
		}
	}
	return value, ok
}
