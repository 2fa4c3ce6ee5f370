package server_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	"linkspan/internal/ids"
	"linkspan/internal/server/servertest"
)

// paged is a list and how to read a part of it.
type paged struct {
	t         *testing.T
	s         *place
	token     string
	list      string // of the viewer
	arguments string // more of them
}

// part is a part of a list.
type part struct {
	ids              []string
	start, end       any
	previous, behind bool
	total            float64
	cursor           string
}

func (p paged) read(arguments object) part {
	p.t.Helper()
	count := "totalCount"
	if p.list == "sharedChannels" {
		count = ""
	}
	data := p.s.For(p.t).Must(p.token, `query($first: Int, $after: String, $last: Int, $before: String) { viewer { list: `+p.list+
		`(first: $first, after: $after, last: $last, before: $before`+p.arguments+`) {
		edges { cursor node { id } } nodes { id } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } logCursor `+count+` } } }`, arguments)
	list := servertest.Get[object](p.t, data, "viewer", "list")
	info := servertest.Get[object](p.t, list, "pageInfo")
	page := part{start: info["startCursor"], end: info["endCursor"], cursor: servertest.Get[string](p.t, list, "logCursor")}
	page.previous, page.behind = info["hasPreviousPage"].(bool), info["hasNextPage"].(bool)
	page.total, _ = list["totalCount"].(float64)
	edges, nodes := servertest.Get[[]any](p.t, list, "edges"), servertest.Get[[]any](p.t, list, "nodes")
	if len(edges) != len(nodes) {
		p.t.Fatalf("%d edges and %d nodes", len(edges), len(nodes))
	}
	for i, edge := range edges {
		id := servertest.Get[string](p.t, edge, "node", "id")
		if servertest.Get[string](p.t, nodes[i], "id") != id {
			p.t.Errorf("edges and nodes differ: %v %v", edge, nodes[i])
		}
		page.ids = append(page.ids, id)
	}
	var first, last any
	if len(edges) > 0 {
		first, last = edges[0].(object)["cursor"], edges[len(edges)-1].(object)["cursor"]
	}
	if page.start != first || page.end != last {
		p.t.Errorf("startCursor and endCursor are not the edges': %v", list)
	}
	return page
}

// testPages pages through the lists both ways while they grow.
func testPages(t *testing.T, s *place) {
	d := open(t, s)
	made := 0
	var channels, invitations []string // newest first
	add := func() {
		t.Helper()
		channel, invitation := offer(t, s, s.as("ana@acme"), "globex", fmt.Sprintf("channel %d", made))
		made++
		channels, invitations = append([]string{channel}, channels...), append([]string{invitation}, invitations...)
	}
	for range 10 {
		add()
	}
	for _, l := range []struct {
		who, list string
		all       *[]string
	}{{"ana@acme", "sharedChannels", &channels}, {"ana@acme", "sentInvitations", &invitations}, {"hua@globex member", "receivedInvitations", &invitations}} {
		p := paged{t: t, s: s, token: s.as(l.who), list: l.list}

		d.settle()
		want := slices.Clone(*l.all)
		var got []string
		page := p.read(object{"first": 3})
		for n := 1; ; n++ {
			got = append(got, page.ids...)
			if page.previous != (n > 1) || page.behind != (len(got) < len(want)) {
				t.Errorf("%s: page %d has previous %v, next %v, after %d of %d", l.list, n, page.previous, page.behind, len(got), len(want))
			}
			if !page.behind {
				break
			}
			add()
			d.settle()
			page = p.read(object{"first": 3, "after": page.end})
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s forward: %v, want %v", l.list, got, want)
		}

		got = nil
		page = p.read(object{"last": 3})
		for n := 1; ; n++ {
			got = append(slices.Clone(page.ids), got...)
			if page.behind != (n > 1) || page.previous != (len(got) < len(*l.all)) {
				t.Errorf("%s: page %d from the end has previous %v, next %v, after %d of %d", l.list, n, page.previous, page.behind, len(got), len(*l.all))
			}
			if !page.previous {
				break
			}
			if n < 3 {
				add()
				d.settle()
			}
			page = p.read(object{"last": 3, "before": page.start})
		}
		if !slices.Equal(got, *l.all) {
			t.Errorf("%s backward: %v, want %v", l.list, got, *l.all)
		}

		all := *l.all
		whole := p.read(object{"first": 100})
		if !slices.Equal(whole.ids, all) || whole.behind || whole.previous {
			t.Errorf("%s at once: %v", l.list, whole)
		}
		if half := p.read(nil); !slices.Equal(half.ids, all[:min(20, len(all))]) || half.behind != (len(all) > 20) {
			t.Errorf("%s by default: %d of %d", l.list, len(half.ids), len(all))
		}
		if none := p.read(object{"first": 0}); len(none.ids) > 0 || !none.behind || none.previous {
			t.Errorf("%s: none is %v", l.list, none)
		}
		if none := p.read(object{"last": 0}); len(none.ids) > 0 || none.behind || !none.previous {
			t.Errorf("%s: none from the end is %v", l.list, none)
		}
		if beyond := p.read(object{"first": 5, "after": whole.end}); len(beyond.ids) > 0 || beyond.behind || !beyond.previous {
			t.Errorf("%s: behind the last is %v", l.list, beyond)
		}
		if beyond := p.read(object{"last": 5, "before": whole.start}); len(beyond.ids) > 0 || beyond.previous || !beyond.behind {
			t.Errorf("%s: before the first is %v", l.list, beyond)
		}
		from, to := p.read(object{"first": 2}), p.read(object{"last": 2})
		if between := p.read(object{"first": 100, "after": from.end, "before": to.start}); !slices.Equal(between.ids, all[2:len(all)-2]) || !between.previous {
			t.Errorf("%s between two cursors: %v", l.list, between)
		}
		if between := p.read(object{"last": 2, "after": from.end, "before": to.start}); !slices.Equal(between.ids, all[len(all)-4:len(all)-2]) || !between.behind {
			t.Errorf("%s between two cursors from the end: %v", l.list, between)
		}
	}
}

// testPageBetweenCursors asks for all between two cursors: beyond each of them there is more, as the schema says it.
func testPageBetweenCursors(t *testing.T, s *place) {
	for i := range 6 {
		offer(t, s, s.as("ana@acme"), "globex", fmt.Sprint(i))
	}
	p := paged{t: t, s: s, token: s.as("ana@acme"), list: "sharedChannels"}
	from, to := p.read(object{"first": 2}), p.read(object{"last": 2})
	for _, arguments := range []object{{"first": 9}, {"last": 9}, {}, {"first": 0}, {"last": 0}} {
		page := p.read(with(arguments, object{"after": from.end, "before": to.start}))
		if !page.previous || !page.behind {
			t.Errorf("%v between two cursors: hasPreviousPage %v, hasNextPage %v, want true and true", arguments, page.previous, page.behind)
		}
	}
}

// testStatesAndTotals filters and counts invitations.
func testStatesAndTotals(t *testing.T, s *place) {
	d := open(t, s)
	inState := map[string][]string{}
	ends := map[string]struct{ document, who string }{
		"ACCEPTED": {acceptDocument, "gil@globex"}, "DECLINED": {declineDocument, "gil@globex"}, "REVOKED": {revokeDocument, "ana@acme"},
	}
	for i, state := range []string{"PENDING", "ACCEPTED", "DECLINED", "PENDING", "REVOKED", "ACCEPTED", "PENDING"} {
		_, invitation := offer(t, s, s.as("ana@acme"), "globex", fmt.Sprint(i))
		if end, ok := ends[state]; ok {
			succeed(t, s, s.as(end.who), end.document, object{"invitationId": invitation})
		}
		inState[state] = append([]string{invitation}, inState[state]...)
	}
	offer(t, s, s.as("ivy@initech"), "acme", "not between these two")
	d.settle()
	for _, l := range []struct{ who, list string }{{"ben@acme member", "sentInvitations"}, {"hua@globex member", "receivedInvitations"}} {
		for _, c := range []struct {
			states string
			want   int
		}{
			{"[PENDING]", 3}, {"[ACCEPTED]", 2}, {"[DECLINED]", 1}, {"[REVOKED]", 1}, {"[EXPIRED]", 0}, {"[REQUESTED, AWAITING_APPROVAL, DENIED]", 0},
			{"[PENDING, ACCEPTED]", 5}, {"[PENDING, PENDING]", 3}, {"PENDING", 3}, {"[]", 0}, {"null", 7},
		} {
			p := paged{t: t, s: s, token: s.as(l.who), list: l.list, arguments: ", states: " + c.states}
			page := p.read(object{"first": 2})
			all := slices.Clone(page.ids)
			for page.behind {
				page = p.read(object{"first": 2, "after": page.end})
				all = append(all, page.ids...)
			}
			if len(all) != c.want || page.total != float64(c.want) {
				t.Errorf("%s of %s: %d, total %v, want %d", l.list, c.states, len(all), page.total, c.want)
			}
			if one := inState[c.states[1:len(c.states)-1]]; one != nil && !slices.Equal(all, one) {
				t.Errorf("%s of %s: %v, want %v", l.list, c.states, all, one)
			}
		}
	}
	if data := s.Must(s.as("ana@acme"), `{ viewer { receivedInvitations { totalCount } } }`, nil); servertest.Get[float64](t, data, "viewer", "receivedInvitations", "totalCount") != 1 {
		t.Errorf("acme received %v", data)
	}
}

// testPageAndCursorAreOneSnapshot reads pages while invitations arrive: each is on the page or comes after its cursor.
func testPageAndCursorAreOneSnapshot(t *testing.T, s *place) {
	tokens := []string{s.as("ana@acme"), s.as("ivy@initech")}
	var adding sync.WaitGroup
	sent := make(chan string, 40)
	for i, token := range tokens {
		adding.Go(func() {
			for n := range cap(sent) / len(tokens) {
				payload := post(s, token, createDocument, object{"target": s.to("globex"), "name": fmt.Sprintf("%d of %d", n, i)})
				id, _ := find(payload["invitation"], "id")
				text, _ := id.(string)
				sent <- text
			}
		})
	}
	p := paged{t: t, s: s, token: s.as("gil@globex"), list: "receivedInvitations"}
	var pages []part
	for len(sent) < cap(sent) {
		pages = append(pages, p.read(object{"first": 100}))
	}
	adding.Wait()
	close(sent)
	all := map[string]bool{}
	for id := range sent {
		all[id] = true
	}
	if len(all) != cap(sent) {
		t.Fatalf("%d invitations were sent", len(all))
	}
	k := dial(t, s, bearing{payload: s.as("gil@globex")})
	for i, page := range pages {
		if int(page.total) != len(page.ids) {
			t.Errorf("a page with all %d invitations says that there are %v", len(page.ids), page.total)
		}
		if i > 0 && page.cursor == pages[i-1].cursor {
			continue
		}
		seen := map[string]int{}
		for _, id := range page.ids {
			seen[id]++
		}
		id := k.subscribe(`subscription($after: LogCursor) { invitationReceived(after: $after) { invitation { id } } }`, object{"after": page.cursor})
		for range len(all) - len(page.ids) {
			seen[servertest.Get[string](t, k.event(id), "invitation", "id")]++
		}
		k.complete(id)
		for one := range all {
			if seen[one] != 1 {
				t.Errorf("page of %d: an invitation was seen %d times", len(page.ids), seen[one])
			}
		}
	}
}

// testNodes asks for objects of all kinds at once: in order, null for what is not to be seen.
func testNodes(t *testing.T, s *place) {
	linked, accepted := offer(t, s, s.as("ana@acme"), "globex", "linked")
	succeed(t, s, s.as("gil@globex"), acceptDocument, object{"invitationId": accepted})
	pending, invited := offer(t, s, s.as("ana@acme"), "globex", "pending")
	foreign, theirs := offer(t, s, s.as("ivy@initech"), "acme", "foreign")
	data := s.Must(s.as("ana@acme"), `query($id: ID!) { viewer { id user { id } group { id } }
		node(id: $id) { ... on SharedChannel { sides { id group { id } } shard { id } } } }`, object{"id": linked})
	get := func(path ...any) string { return servertest.Get[string](t, data, path...) }
	unknown := ids.NewInvitation().String()
	wanted := []struct{ id, acme, globex string }{
		{linked, "SharedChannel", "SharedChannel"}, {unknown, "", ""}, {pending, "SharedChannel", ""}, {accepted, "Invitation", "Invitation"},
		{get("viewer", "id"), "Viewer", ""}, {get("viewer", "group", "id"), "Group", "Group"}, {get("viewer", "user", "id"), "User", "User"},
		{invited, "Invitation", "Invitation"}, {linked, "SharedChannel", "SharedChannel"}, {foreign, "", ""}, {theirs, "Invitation", ""},
		{get("node", "sides", 0, "id"), "ChannelSide", "ChannelSide"}, {get("node", "sides", 1, "id"), "ChannelSide", "ChannelSide"},
		{get("node", "shard", "id"), "ChannelShard", ""}, {ids.Side{Channel: ids.ChannelFrom([16]byte{1}), Group: s.group("acme").ID}.String(), "", ""},
		{get("node", "sides", 1, "group", "id"), "Group", "Group"}, {ids.UserOf(s.group("globex").ID, "hua").String(), "", ""},
		{ids.UserOf(s.group("globex").ID, "gil").String(), "User", "User"}, {unknown, "", ""},
	}
	var all []string
	for _, w := range wanted {
		all = append(all, w.id)
	}
	servertest.Eventually(t, "the invitations are with acme", func() bool {
		data := s.Must(s.as("ana@acme"), `query($id: ID!) { node(id: $id) { id } }`, object{"id": theirs})
		return data["node"] != nil
	})
	for who, pick := range map[string]func(i int) string{
		"ana@acme": func(i int) string { return wanted[i].acme }, "gil@globex": func(i int) string { return wanted[i].globex },
	} {
		nodes := servertest.Get[[]any](t, s.Must(s.as(who), `query($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }`, object{"ids": all}), "nodes")
		if len(nodes) != len(wanted) {
			t.Fatalf("%d nodes for %d ids", len(nodes), len(wanted))
		}
		for i, node := range nodes {
			var want any
			if typ := pick(i); typ != "" {
				want = object{"__typename": typ, "id": wanted[i].id}
			}
			if fmt.Sprint(node) != fmt.Sprint(want) {
				t.Errorf("%s, place %d: %v, want %v", who, i, node, want)
			}
			one := s.Must(s.as(who), `query($id: ID!) { node(id: $id) { __typename id } }`, object{"id": wanted[i].id})["node"]
			if fmt.Sprint(one) != fmt.Sprint(node) {
				t.Errorf("%s, place %d: alone it is %v, among others %v", who, i, one, node)
			}
		}
	}
	for n, list := range map[int][]string{0: {}, 100: slices.Repeat([]string{linked}, 100)} {
		nodes := servertest.Get[[]any](t, s.Must(s.as("ana@acme"), `query($ids: [ID!]!) { nodes(ids: $ids) { id } }`, object{"ids": list}), "nodes")
		if len(nodes) != n || slices.Contains(nodes, nil) {
			t.Errorf("%d nodes for %d ids", len(nodes), n)
		}
	}
}
