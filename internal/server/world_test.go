package server_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"linkspan/internal/server/servertest"
)

// shapes runs a test on three shards, and on one that shares main's database.
func shapes(t *testing.T, options servertest.Options, test func(t *testing.T, s *servertest.Server)) {
	t.Parallel()
	for name, shards := range map[string]int{"three shards": 3, "one database": -1} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			options := options
			options.Shards = shards
			test(t, servertest.New(t, options))
		})
	}
}

// users signs tokens for the users of a test, each once.
type users struct {
	t      testing.TB
	mu     sync.Mutex
	tokens map[string]string
}

func newUsers(t testing.TB) *users { return &users{t: t, tokens: map[string]string{}} }

// as returns the token of "ana@acme" (an admin), "ben@acme member", "operator", or "" for nobody.
func (u *users) as(who string) string {
	u.mu.Lock()
	defer u.mu.Unlock()
	if token, ok := u.tokens[who]; ok {
		return token
	}
	name, role, _ := strings.Cut(who, " ")
	var token string
	switch {
	case who == "":
	case name == "operator":
		token = servertest.Operator(u.t)
	case role == "member":
		token = servertest.Member(u.t, name)
	default:
		token = servertest.Admin(u.t, name)
	}
	u.tokens[who] = token
	return token
}

const (
	createDocument = `mutation($input: CreateSharedChannelInput!) { it: createSharedChannel(input: $input) {
		sharedChannel { id name state topic } invitation { id state version proposedName note expiresAt }
		errors { __typename code message path ... on NameTakenError { suggestion } } } }`
	acceptDocument = `mutation($input: AcceptSharedChannelInput!) { it: acceptSharedChannel(input: $input) {
		sharedChannel { id name state } invitation { id state version } nameChangedFrom
		errors { __typename code message path ... on InvitationNotPendingError { state } } } }`
	declineDocument = `mutation($input: DeclineInvitationInput!) { it: declineInvitation(input: $input) {
		invitation { id state version reason } errors { __typename code message path ... on InvitationNotPendingError { state } } } }`
	revokeDocument = `mutation($input: RevokeInvitationInput!) { it: revokeInvitation(input: $input) {
		invitation { id state version reason } errors { __typename code message path ... on InvitationNotPendingError { state } } } }`
	registerDocument = `mutation($input: RegisterGroupInput!) { it: registerGroup(input: $input) {
		group { id handle name } errors { __typename code message path } } }`
)

// object is a JSON object.
type object = map[string]any

// mutate runs one of the documents above with a token and returns its payload.
func mutate(t testing.TB, s *servertest.Server, token, document string, input object) object {
	t.Helper()
	return servertest.Get[object](t, s.For(t).Must(token, document, object{"input": input}), "it")
}

// refusal returns the payload's one refusal as "CODE path", "" if there is none. A payload that is refused must have no
// object, and one that is not must have all that it can.
func refusal(t testing.TB, payload object) string {
	t.Helper()
	list := servertest.Get[[]any](t, payload, "errors")
	if len(list) > 1 {
		t.Fatalf("more than one refusal: %v", payload)
	}
	for field, value := range payload {
		if field != "errors" && field != "nameChangedFrom" && (value == nil) != (len(list) == 1) {
			t.Errorf("%s is %v beside the refusals %v", field, value, list)
		}
	}
	if len(list) == 0 {
		return ""
	}
	var path []string
	for _, step := range servertest.Get[[]any](t, list[0], "path") {
		path = append(path, step.(string))
	}
	if servertest.Get[string](t, list[0], "message") == "" {
		t.Errorf("a refusal without a message: %v", list[0])
	}
	return strings.TrimSpace(servertest.Get[string](t, list[0], "code") + " " + strings.Join(path, "."))
}

// succeed is mutate for what must not be refused.
func succeed(t testing.TB, s *servertest.Server, token, document string, input object) object {
	t.Helper()
	payload := mutate(t, s, token, document, input)
	if code := refusal(t, payload); code != "" {
		t.Fatalf("refused: %s: %v", code, payload)
	}
	return payload
}

// offer creates a channel and returns its id and its invitation's.
func offer(t testing.TB, s *servertest.Server, token, target, name string) (channel, invitation string) {
	t.Helper()
	payload := succeed(t, s, token, createDocument, object{"target": object{"handle": target}, "name": name})
	return servertest.Get[string](t, payload, "sharedChannel", "id"), servertest.Get[string](t, payload, "invitation", "id")
}

// eventually asks until the condition holds.
func eventually(t testing.TB, what string, condition func() bool) {
	t.Helper()
	deadline := time.After(patience)
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !condition() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("not in %v: %s", patience, what)
		}
	}
}

// databases are connections to all databases of a server, past the program.
type databases struct {
	t      testing.TB
	main   *pgx.Conn
	shards []*pgx.Conn // without main's, where they share one
	prints map[*pgx.Conn]string
	last   []string // what unchanged saw last
}

func open(t testing.TB, s *servertest.Server) *databases {
	t.Helper()
	d := &databases{t: t, prints: map[*pgx.Conn]string{}}
	byDSN := map[string]*pgx.Conn{}
	connect := func(dsn string) *pgx.Conn {
		if byDSN[dsn] == nil {
			conn, err := pgx.Connect(t.Context(), dsn)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = conn.Close(context.WithoutCancel(t.Context())) })
			byDSN[dsn], d.prints[conn] = conn, printQuery(t, conn)
		}
		return byDSN[dsn]
	}
	d.main = connect(s.Config.MainDSN)
	for _, shard := range s.Config.Shards {
		d.shards = append(d.shards, connect(shard.DSN))
	}
	return d
}

// printQuery returns the statement that counts the rows of all tables of a database and sums their contents.
func printQuery(t testing.TB, conn *pgx.Conn) string {
	t.Helper()
	rows, err := conn.Query(t.Context(), `SELECT schemaname || '.' || tablename FROM pg_tables
		WHERE schemaname LIKE 'linkspan%' ORDER BY 1`)
	if err != nil {
		t.Fatal(err)
	}
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || len(tables) < 5 {
		t.Fatalf("the tables of a database are %v: %v", tables, err)
	}
	var parts []string
	for _, table := range tables {
		content := `sum(hashtextextended(t::text, 0)::numeric)`
		if strings.HasSuffix(table, "slot") {
			content = `0` // thousands of rows that no mutation touches
		}
		parts = append(parts, fmt.Sprintf(`SELECT '%s ' || count(*) || ' ' || COALESCE(%s, 0) FROM %s AS t`, table, content, table))
	}
	return strings.Join(parts, ` UNION ALL `)
}

// print returns for each table of each database its number of rows and a sum of their contents.
func (d *databases) print() []string {
	d.t.Helper()
	conns := d.all()
	found, errs := make([][]string, len(conns)), make([]error, len(conns))
	var reading sync.WaitGroup
	for i, conn := range conns {
		reading.Go(func() {
			rows, err := conn.Query(d.t.Context(), d.prints[conn])
			if err != nil {
				errs[i] = err
				return
			}
			found[i], errs[i] = pgx.CollectRows(rows, pgx.RowTo[string])
		})
	}
	reading.Wait()
	if err := errors.Join(errs...); err != nil {
		d.t.Fatal(err)
	}
	var all []string
	for i, lines := range found {
		for _, line := range lines {
			all = append(all, fmt.Sprintf("database %d: %s", i, line))
		}
	}
	return all
}

// all returns each connection once.
func (d *databases) all() []*pgx.Conn {
	list := append([]*pgx.Conn{d.main}, d.shards...)
	return slices.Compact(list)
}

// settle waits until every step that was decided has taken effect and is noted.
func (d *databases) settle() {
	d.t.Helper()
	eventually(d.t, "the outbox is empty", func() bool {
		var open int
		err := d.main.QueryRow(d.t.Context(), `SELECT count(*) FROM linkspan_main.outbox_step`).Scan(&open)
		if err != nil {
			d.t.Fatal(err)
		}
		return open == 0
	})
	d.last = d.print()
}

// unchanged fails the test if any table is not as it was when unchanged was called last, or settle.
func (d *databases) unchanged(t testing.TB) {
	t.Helper()
	after := d.print()
	if slices.Equal(d.last, after) {
		return
	}
	for i, line := range d.last {
		if line != after[i] {
			t.Errorf("something was written: %q became %q", line, after[i])
		}
	}
	d.settle() // so that the next is judged for itself
}

// exec runs a statement on main or, where it names the shards' schema, on all shards. It must change a row somewhere.
func (d *databases) exec(statement string, args ...any) {
	d.t.Helper()
	conns := []*pgx.Conn{d.main}
	if strings.Contains(statement, "linkspan_shard.") {
		conns = d.shards
	}
	var changed int64
	for _, conn := range conns {
		tag, err := conn.Exec(d.t.Context(), statement, args...)
		if err != nil {
			d.t.Fatalf("%s: %v", statement, err)
		}
		changed += tag.RowsAffected()
	}
	if changed == 0 {
		d.t.Fatalf("%s changed nothing", statement)
	}
}

// with returns a copy of an input with other fields.
func with(input object, fields object) object {
	changed := maps.Clone(input)
	maps.Copy(changed, fields)
	return changed
}
