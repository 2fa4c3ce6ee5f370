package server_test

import (
	"fmt"
	goast "go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"

	"linkspan/graph"
	"linkspan/internal/server"
	"linkspan/internal/server/servertest"
)

// perViewer is the directive that marks what depends on the one user who reads.
const perViewer = "perViewer"

// ofTheGroup are fields that a name would have taken for one user's, and why they are not.
var ofTheGroup = map[string]string{
	"SharedChannel.viewerSide": "the side of the viewer's group, the same for all its users",
}

// shownElsewhere are marked fields that are of no object, or differ only where something is kept from a user, and the tests that show how they differ.
var shownElsewhere = map[string]string{
	"Subscription.channelActivity": "TestActivityOfOneUser", "Query.canShare": "TestSharingPolicy", "Viewer.sharingPolicy": "TestIsolation", "Viewer.auditLog": "TestIsolation",
	"Invitation.sharedChannel": "TestInboxesOfHiddenChannels", "SharedChannelLinked.sharedChannel": "TestInboxesOfHiddenChannels",
}

// TestPerViewerNames looks that no field is called as one user's own without being marked so.
func TestPerViewerNames(t *testing.T) {
	t.Parallel()
	for name, marked := range marks() {
		_, field, _ := strings.Cut(name, ".")
		if own := strings.HasPrefix(field, "viewer") || strings.HasPrefix(field, "unread"); own && !marked && ofTheGroup[name] == "" {
			t.Errorf("%s is one user's own by its name: mark it with @%s, or say in ofTheGroup why it is not", name, perViewer)
		}
	}
	for name := range ofTheGroup {
		if marked, ok := marks()[name]; !ok || marked {
			t.Errorf("%s is in ofTheGroup, and is not there or is marked", name)
		}
	}
}

// TestPerViewerMarks reads the same objects and the same logs as two users of one group, an admin and a member or two
// admins, and compares: what is not marked is the same for both, and each mark is of a field that was not.
func TestPerViewerMarks(t *testing.T) {
	t.Parallel()
	s := newPlace(servertest.New(t, servertest.Options{}), "")
	w := newWorld(t, s)
	second := server.Claims{Group: "acme", Role: "admin", Name: "Cid-of-acme"}
	second.Subject = "cid"
	w.users["cid"] = servertest.Sign(t, second)

	c := comparison{marked: marks(), seen: map[string]bool{}}
	pairs := [][2]string{{"ana", "ben"}, {"ana", "cid"}, {"gil", "hua"}}
	walk := func() {
		for _, pair := range pairs {
			c.nodes(t, w, pair)
			c.log(t, w, pair, "InboxEvent", `$start: LogCursor`, `inbox(after: $start)`, object{"start": w.start(t, pair[0])})
		}
	}
	walk() // the invitation is pending
	w.accept(t)
	walk()
	for _, pair := range pairs {
		group := map[string]string{"ana": "acme", "gil": "globex"}[pair[0]]
		c.log(t, w, pair, "ChannelEvent", `$id: ID!, $talkStart: LogCursor`, `channelEvents(channelId: $id, after: $talkStart)`,
			object{"id": w.known["SharedChannel"], "talkStart": w.talkStart(group)})
	}

	for name, marked := range c.marked {
		if marked && !c.seen[name] && shownElsewhere[name] == "" {
			t.Errorf("%s is marked with @%s, and no two users of a group saw it differ", name, perViewer)
		}
	}
	compared := slices.Concat(w.schema.nodes, w.schema.types["InboxEvent"].Possible, w.schema.types["ChannelEvent"].Possible)
	for _, typ := range compared {
		if !c.seen[typ] && typ != "Viewer" && typ != "GroupUnlinked" { // nobody sees another's; no group leaves
			t.Errorf("no two users of a group saw the same %s", typ)
		}
	}
}

// ofAllWhoSeeIt are fields that are not marked whose resolvers know who asks, and why that is the same for all of a group who see the object.
var ofAllWhoSeeIt = map[string]string{
	"Invitation.previous": "an invitation of the group's inbox", "Invitation.waiting": "those of the group",
	"SharedChannel.invitations": "those that the group has sent", "ChannelSide.members": "listed for all who see the channel",
	"SharedChannel.messages": "the reactions among them are marked", "SharedChannel.search": "as messages",
	"Message.replies": "as messages", "Message.replyTo": "as messages", "Message.history": "what it said to the group",
}

// TestPerViewerResolvers looks into the code: a resolver that asks who the viewer is is of a field that is marked, or says in ofAllWhoSeeIt why it need not
// be. The fields of Query, Mutation and Subscription are resolved for each who asks.
func TestPerViewerResolvers(t *testing.T) {
	t.Parallel()
	fields := marks()
	byName := map[string]string{} // by the names of their methods
	for name := range fields {
		byName[strings.ToLower(name)] = name
	}
	roots := []string{"query", "mutation", "subscription"}
	asks := map[string]bool{}
	for _, fn := range whoAsk(t, "../channel") {
		t.Errorf("%s asks who the viewer is, of its context: have the resolver tell it", fn.Name)
	}
	for _, fn := range whoAsk(t, "../../resolvers") {
		if fn.Recv == nil {
			continue // those who call it are among them
		}
		of := fn.Recv.List[0].Type.(*goast.Ident).Name
		switch name, ok := byName[strings.ToLower(of+"."+fn.Name.Name)]; {
		case slices.Contains(roots, of):
		case !ok:
			t.Errorf("%s.%s asks who the viewer is, and is no field", of, fn.Name)
		default:
			asks[name] = true
		}
	}
	if len(asks) < 10 {
		t.Errorf("only %d fields ask who the viewer is: %v", len(asks), asks)
	}
	for name := range asks {
		if !fields[name] && ofAllWhoSeeIt[name] == "" {
			t.Errorf("the resolver of %s asks who the viewer is: mark it with @%s, or say in ofAllWhoSeeIt why all of a group who see the object see the same", name, perViewer)
		}
	}
	for name := range ofAllWhoSeeIt {
		if !asks[name] || fields[name] {
			t.Errorf("%s is in ofAllWhoSeeIt, and is marked or does not ask", name)
		}
	}
}

// whoAsk returns the functions of a directory's files that ask a context who the viewer is, by themselves or by others of these.
func whoAsk(t *testing.T, directory string) (all []*goast.FuncDecl) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(directory, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	var functions []*goast.FuncDecl
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, declared := range file.Decls {
			if fn, ok := declared.(*goast.FuncDecl); ok {
				functions = append(functions, fn)
			}
		}
	}
	names := map[string]bool{"ViewerFrom": true, "OneOfTheGroup": true}
	for found := -1; found < len(all); {
		found = len(all)
		for _, fn := range functions {
			if !slices.Contains(all, fn) && mentions(fn.Body, names) {
				all, names[fn.Name.Name] = append(all, fn), names[fn.Name.Name] || fn.Recv == nil
			}
		}
	}
	return all
}

// mentions reports whether one of the names is in what a function does.
func mentions(body *goast.BlockStmt, names map[string]bool) (found bool) {
	goast.Inspect(body, func(n goast.Node) bool {
		name, ok := n.(*goast.Ident)
		found = found || ok && names[name.Name]
		return !found
	})
	return found
}

// marks returns the fields of the schema's objects, as "Type.field", and whether they are marked.
func marks() map[string]bool {
	found := map[string]bool{}
	for _, typ := range graph.NewExecutableSchema(graph.Config{}).Schema().Types {
		if typ.Kind != ast.Object || typ.BuiltIn {
			continue
		}
		for _, field := range typ.Fields {
			found[typ.Name+"."+field.Name] = field.Directives.ForName(perViewer) != nil
		}
	}
	return found
}

// comparison is of what two users of one group read.
type comparison struct {
	marked map[string]bool
	seen   map[string]bool // types that both saw, and marked fields that differed
}

func (c *comparison) nodes(t *testing.T, w *world, pair [2]string) {
	t.Helper()
	const depth = 3
	for _, of := range append(slices.Clone(w.schema.nodes), "Declined", "Requested", "Reply", "DeletedMessage", "PrivateMessage") {
		node := w.schema.selection("Node", depth)
		document := fmt.Sprintf(`query($id: ID!) { __typename viewer %s node(id: $id) %s nodes(ids: [$id]) %s }`, w.schema.selection("Viewer", 2), node, node)
		var answers [2]object
		for i, user := range pair {
			answers[i] = w.s.For(t).Must(w.users[user], document, object{"id": w.known[of]})
		}
		c.compare(t, of, answers[0], answers[1])
		// Query.node may differ as a whole; where both got a node, they got the same.
		if first, ok := answers[0]["node"].(object); ok && answers[1]["node"] != nil {
			c.compare(t, of, first, answers[1]["node"].(object))
		}
	}
}

// log compares what both read of a log from its beginning. Its events are of that type; declared are the field's variables.
func (c *comparison) log(t *testing.T, w *world, pair [2]string, typ, declared, field string, variables object) {
	t.Helper()
	document := `subscription(` + declared + `) { it: ` + field + w.schema.selection(typ, 3) + ` }`
	var events [2][]servertest.Answer
	for i, user := range pair {
		reader := &cell{w: w, t: t, socket: dial(t, w.s, bearing{payload: w.users[user]})}
		events[i] = reader.follow(document, variables, true)
	}
	if len(events[0]) < 2 || len(events[0]) != len(events[1]) {
		t.Fatalf("%v read %d and %d events", pair, len(events[0]), len(events[1]))
	}
	for i := range events[0] {
		first, second := servertest.Get[object](t, events[0][i].Data, "it"), servertest.Get[object](t, events[1][i].Data, "it")
		if kind := kindOf(events[0][i]); strings.HasSuffix(kind, "Checkpoint") { // the time of day, for each
			delete(first, kind+"_at")
			delete(second, kind+"_at")
		}
		c.compare(t, typ, first, second)
	}
	// What depends on nobody is read for all of an audience at once, as nobody in particular.
	document = `subscription(` + declared + `) { it: ` + field + w.schema.without(c.marked).selection(typ, 3) + ` }`
	reader := &cell{w: w, t: t, socket: dial(t, w.s, bearing{payload: w.users[pair[0]]})}
	shared := reader.follow(document, variables, true)
	if len(shared) != len(events[0]) {
		t.Fatalf("an audience read %d events, one user %d", len(shared), len(events[0]))
	}
	for i := range shared {
		if !strings.HasSuffix(kindOf(shared[i]), "Checkpoint") {
			within(t, typ, shared[i].Data["it"], events[0][i].Data["it"])
		}
	}
}

// within fails the test unless an answer is a part of another one.
func within(t *testing.T, at string, part, whole any) {
	t.Helper()
	switch of := part.(type) {
	case object:
		if whole, ok := whole.(object); ok {
			for name, value := range of {
				within(t, at+"."+name, value, whole[name])
			}
			return
		}
	case []any:
		if whole, ok := whole.([]any); ok && len(of) == len(whole) {
			for i := range of {
				within(t, at, of[i], whole[i])
			}
			return
		}
	}
	if !reflect.DeepEqual(part, whole) {
		t.Errorf("%s is %v for an audience and %v for one user: mark it with @%s", at, part, whole, perViewer)
	}
}

// compare walks two answers of one type at once.
func (c *comparison) compare(t *testing.T, at string, first, second object) {
	t.Helper()
	typ := first["__typename"].(string)
	if typ != second["__typename"] {
		t.Fatalf("%s is a %v and a %v", at, typ, second["__typename"])
	}
	c.seen[typ] = true
	for name, value := range first {
		field := strings.TrimPrefix(name, typ+"_")
		marked, known := c.marked[typ+"."+field]
		switch other := second[name]; {
		case field == "__typename":
		case !known:
			t.Fatalf("%s: no field %s.%s", at, typ, field)
		case marked:
			c.seen[typ+"."+field] = c.seen[typ+"."+field] || !reflect.DeepEqual(value, other)
		default:
			c.values(t, typ+"."+field, value, other)
		}
	}
}

// values compares two values of a field that is not marked.
func (c *comparison) values(t *testing.T, at string, first, second any) {
	t.Helper()
	switch one := first.(type) {
	case object:
		if other, ok := second.(object); ok {
			c.compare(t, at, one, other)
			return
		}
	case []any:
		if others, ok := second.([]any); ok && len(others) == len(one) {
			for i := range one {
				c.values(t, at, one[i], others[i])
			}
			return
		}
	}
	if !reflect.DeepEqual(first, second) {
		t.Errorf("%s is %v for one user of a group and %v for another: mark it with @%s", at, first, second, perViewer)
	}
}
