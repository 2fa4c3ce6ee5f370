package server_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"linkspan/internal/channel"
	"linkspan/internal/ids"
	"linkspan/internal/localpg/localpgtest"
	"linkspan/internal/server"
	"linkspan/internal/server/servertest"
)

// place is where a test plays: a server, with groups of the test's own where others share the server.
type place struct {
	*servertest.Server
	suffix string // behind each handle
	tokens *tokens
}

// tokens are signed once for each user.
type tokens struct {
	mu     sync.Mutex
	signed map[string]string
}

func newPlace(s *servertest.Server, suffix string) *place {
	return &place{Server: s, suffix: suffix, tokens: &tokens{signed: map[string]string{}}}
}

// shapes runs a test on three shards, and on one that shares main's database.
func shapes(t *testing.T, options servertest.Options, test func(t *testing.T, s *place)) {
	t.Parallel()
	for name, shards := range map[string]int{"three shards": 3, "one database": -1} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			options := options
			options.Shards = shards
			test(t, newPlace(servertest.New(t, options), ""))
		})
	}
}

var lastPlace atomic.Int64

// apart is the same server with the groups acme, globex and initech of a test's own.
func (s *place) apart(t testing.TB) *place {
	t.Helper()
	other := newPlace(s.For(t), fmt.Sprintf("-%d", lastPlace.Add(1)))
	for _, handle := range []string{"acme", "globex", "initech"} {
		other.group(handle)
	}
	return other
}

// onOneSlot is the same server with the groups of those names on one slot: rows of one group lie beside another's, and
// nothing but the group keeps them apart.
func (s *place) onOneSlot(t testing.TB, names ...string) *place {
	t.Helper()
	other := newPlace(s.For(t), fmt.Sprintf("-%d", lastPlace.Add(1)))
	var slot uint16
	for i, name := range names {
		group := channel.Group{ID: ids.NewGroup(), Handle: name + other.suffix, Name: strings.ToUpper(name[:1]) + name[1:]}
		if i == 0 {
			slot = s.Store.SlotOf(group.ID)
		}
		for s.Store.SlotOf(group.ID) != slot {
			group.ID = ids.NewGroup()
		}
		to := channel.Destination{Group: group.ID}
		steps := []channel.Step{{
			Stream: channel.Stream{Subject: group.ID.Bytes(), Destination: to}, Op: ids.NewOp(), Kind: channel.StepRegisterGroup,
			Effect: channel.Effect{Group: &group},
		}}
		err := s.Store.Decide(t.Context(), func(ctx context.Context, tx channel.MainTx) error {
			if ok, err := tx.InsertGroup(ctx, group); err != nil || !ok {
				return fmt.Errorf("group %s: %v: %w", group.Handle, ok, err)
			}
			return tx.AppendSteps(ctx, steps)
		})
		if err == nil {
			err = s.Service.Outbox.Drive(t.Context(), steps).Wait(t.Context(), to)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return other
}

// group returns the test's group of that name, which is registered if need be.
func (s *place) group(name string) channel.Group { return s.Register(name + s.suffix) }

// to selects the test's group of that name.
func (s *place) to(name string) object { return object{"handle": name + s.suffix} }

// as returns the token of "ana@acme" (an admin), "ben@acme member", "operator", or "" for nobody. It signs for an hour.
func (s *place) as(who string) string {
	s.tokens.mu.Lock()
	defer s.tokens.mu.Unlock()
	if token, ok := s.tokens.signed[who]; ok || who == "" {
		return token
	}
	name, role, _ := strings.Cut(who, " ")
	sub, group, ofGroup := strings.Cut(name, "@")
	claims := server.Claims{Role: server.RoleOperator}
	if claims.Subject = sub; ofGroup {
		claims.Role, claims.Group, claims.Name = server.RoleAdmin, group+s.suffix, strings.ToUpper(sub[:1])+sub[1:]
	}
	if role != "" {
		claims.Role = role
	}
	token, err := server.SignToken(servertest.Secret, claims, time.Hour)
	if err != nil {
		panic(err)
	}
	s.tokens.signed[who] = token
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
func mutate(t testing.TB, s *place, token, document string, input object) object {
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
func succeed(t testing.TB, s *place, token, document string, input object) object {
	t.Helper()
	payload := mutate(t, s, token, document, input)
	if code := refusal(t, payload); code != "" {
		t.Fatalf("refused: %s: %v", code, payload)
	}
	return payload
}

// offer creates a channel and returns its id and its invitation's.
func offer(t testing.TB, s *place, token, target, name string) (channel, invitation string) {
	t.Helper()
	payload := succeed(t, s, token, createDocument, object{"target": s.to(target), "name": name})
	return servertest.Get[string](t, payload, "sharedChannel", "id"), servertest.Get[string](t, payload, "invitation", "id")
}

// channelsOf counts the channels in the list of a group that has few.
func channelsOf(t testing.TB, s *place, token string) int {
	t.Helper()
	data := s.Must(token, `{ viewer { sharedChannels(first: 100) { nodes { id } } } }`, nil)
	return len(servertest.Get[[]any](t, data, "viewer", "sharedChannels", "nodes"))
}

// heardOf looks whether acme and globex have heard of so many invitations between them, and of each once.
func heardOf(t testing.TB, s *place, invitations int) {
	t.Helper()
	d := open(t, s)
	d.settle()
	for _, name := range []string{"acme", "globex"} {
		if got := d.events(name); got != invitations {
			t.Errorf("%s has %d events, want one of each of %d invitations", name, got, invitations)
		}
	}
}

// databases are connections to all databases of a server, past the program.
type databases struct {
	t      testing.TB
	place  *place
	main   *pgxpool.Pool
	shards []*pgxpool.Pool // main's too, where they share one
	prints map[*pgxpool.Pool]string
	last   []string // as the tables were
}

func open(t testing.TB, s *place) *databases {
	t.Helper()
	d := &databases{t: t, place: s, main: localpgtest.Pool(t, s.Config.MainDSN), prints: map[*pgxpool.Pool]string{}}
	for _, shard := range s.Config.Shards {
		d.shards = append(d.shards, localpgtest.Pool(t, shard.DSN))
	}
	for _, pool := range d.all() {
		d.prints[pool] = printQuery(t, pool)
	}
	return d
}

// part ends a group's part in a channel, as it is when it has left, on the shard alone.
func (d *databases) part(channel, group string) {
	d.t.Helper()
	d.place.part(d.t, channel, group, nil)
}

// printQuery returns the statement that counts the rows of all tables of a database and sums their contents.
func printQuery(t testing.TB, pool *pgxpool.Pool) string {
	t.Helper()
	rows, err := pool.Query(t.Context(), `SELECT schemaname || '.' || tablename FROM pg_tables
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
		switch {
		case strings.HasSuffix(table, "slot"):
			content = `0` // thousands of rows that no mutation touches
		case strings.Contains(table, "_main.audit_"), strings.HasSuffix(table, "_main.refusal"):
			continue // audits come a moment after what they tell of, and tell of refusals too
		case strings.HasSuffix(table, "_main.transition"):
			content = `sum(hashtextextended((to_jsonb(t) - 'audited')::text, 0)::numeric)`
		}
		parts = append(parts, fmt.Sprintf(`SELECT '%s ' || count(*) || ' ' || COALESCE(%s, 0) FROM %s AS t`, table, content, table))
	}
	return strings.Join(parts, ` UNION ALL `)
}

// print returns for each table of each database its number of rows and a sum of their contents.
func (d *databases) print() []string {
	d.t.Helper()
	pools := d.all()
	found, errs := make([][]string, len(pools)), make([]error, len(pools))
	var reading sync.WaitGroup
	for i, pool := range pools {
		reading.Go(func() {
			rows, err := pool.Query(d.t.Context(), d.prints[pool])
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

// all returns each database once.
func (d *databases) all() []*pgxpool.Pool {
	list := append([]*pgxpool.Pool{d.main}, d.shards...)
	return slices.Compact(list)
}

// settle waits until every step about the test's groups and their channels has taken effect and is noted: every step at
// all where the test has the server for itself.
func (d *databases) settle() {
	d.t.Helper()
	groups := []uuid.UUID{}
	for _, name := range []string{"acme", "globex", "initech"} {
		groups = append(groups, d.place.group(name).ID.UUID())
	}
	servertest.Eventually(d.t, "the outbox is empty", func() bool {
		var open int
		err := d.main.QueryRow(d.t.Context(), `SELECT count(*) FROM linkspan_main.outbox_step AS s
			LEFT JOIN linkspan_main.invitation AS i ON i.channel_id = s.subject
			WHERE $2 OR s.subject = ANY($1) OR i.from_group_id = ANY($1) OR i.to_group_id = ANY($1)`, groups, d.place.suffix == "").Scan(&open)
		if err != nil {
			d.t.Fatal(err)
		}
		return open == 0
	})
}

// begin settles and remembers all tables, for unchanged.
func (d *databases) begin() {
	d.t.Helper()
	d.settle()
	d.last = d.print()
}

// unchanged fails the test if any table is not as it was at begin, or when unchanged was called last. Nothing else may
// use the server meanwhile.
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
	d.begin() // so that the next is judged for itself
}

// exec runs a statement on main or, where it names the shards' schema, on all shards. It must change a row somewhere.
func (d *databases) exec(statement string, args ...any) {
	d.t.Helper()
	pools := []*pgxpool.Pool{d.main}
	if strings.Contains(statement, "linkspan_shard.") {
		pools = d.shards
	}
	var changed int64
	for _, pool := range pools {
		tag, err := pool.Exec(d.t.Context(), statement, args...)
		if err != nil {
			d.t.Fatalf("%s: %v", statement, err)
		}
		changed += tag.RowsAffected()
	}
	if changed == 0 {
		d.t.Fatalf("%s changed nothing", statement)
	}
}

// events counts the events of a group's inbox.
func (d *databases) events(name string) (count int) {
	d.t.Helper()
	for _, pool := range d.shards {
		var here int
		err := pool.QueryRow(d.t.Context(), `SELECT count(*) FROM linkspan_shard.inbox_event WHERE group_id = $1`, d.place.group(name).ID.UUID()).Scan(&here)
		if err != nil {
			d.t.Fatal(err)
		}
		count += here
	}
	return count
}

// with returns a copy of an input with other fields.
func with(input object, fields object) object {
	changed := maps.Clone(input)
	maps.Copy(changed, fields)
	return changed
}
