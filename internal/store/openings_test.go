package store_test

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"linkspan/internal/channel"
	"linkspan/internal/ids"
	"linkspan/internal/server/servertest"
	"linkspan/internal/store/storetest"
	"linkspan/shardrouter"
)

const (
	one       = `SELECT 0::smallint, 'one'`
	two       = `SELECT 0::smallint, 'two'`
	refused   = `SELECT 0::smallint, (1 / (SELECT count(*) FROM pg_class WHERE false))::text`
	unfitting = `SELECT 0::smallint, 'x', 'too', 'many'`
	elsewhere = `SELECT 0::smallint, 'x' WHERE false`
	panicking = `SELECT 0::smallint, 'panic'`
)

// What is opened with others is what it is alone; what Postgres refuses, or is no such row as it must be, is the trouble of one alone.
func TestOpeningsInAGroupAreApart(t *testing.T) {
	t.Parallel()
	s, router := storetest.Open(t, 0)
	divided := func(err error) bool {
		var pg *pgconn.PgError
		return errors.As(err, &pg) && pg.Code == "22012"
	}
	unfit := func(err error) bool { return err != nil && !divided(err) }
	moved := func(err error) bool { return errors.Is(err, shardrouter.ErrNotOwned) }
	type wanted struct {
		queries, found []string
		fails          func(error) bool
	}
	for name, group := range map[string][]wanted{
		"a refused first part":    {{[]string{one, two}, []string{"one", "two"}, nil}, {[]string{refused, two}, nil, divided}, {[]string{two}, []string{"two"}, nil}},
		"a refused part":          {{[]string{one}, []string{"one"}, nil}, {[]string{one, refused, two}, []string{"one"}, nil}, {[]string{two}, []string{"two"}, nil}},
		"a refused last part":     {{[]string{two}, []string{"two"}, nil}, {[]string{one, refused}, []string{"one"}, nil}},
		"a row that does not fit": {{[]string{one}, []string{"one"}, nil}, {[]string{unfitting}, nil, unfit}, {[]string{one, unfitting}, nil, unfit}, {[]string{two}, []string{"two"}, nil}},
		"what is elsewhere":       {{[]string{one}, []string{"one"}, nil}, {[]string{elsewhere, elsewhere}, nil, moved}, {[]string{two}, []string{"two"}, nil}},
		"all of it": {
			{[]string{elsewhere}, nil, moved}, {[]string{refused}, nil, divided}, {[]string{unfitting}, nil, unfit}, {[]string{refused}, nil, divided},
			{[]string{two, one}, []string{"two", "one"}, nil},
		},
	} {
		var queries [][]string
		for _, w := range group {
			queries = append(queries, w.queries)
		}
		found, errs := s.OpenTogether(t.Context(), router.Main(), queries...)
		for i, w := range group {
			if w.fails == nil && (errs[i] != nil || !slices.Equal(found[i], w.found)) || w.fails != nil && !w.fails(errs[i]) {
				t.Errorf("%s: %d found %q, %v", name, i, found[i], errs[i])
			}
		}
	}
}

// A panic is an error to those who wait, and the door goes on.
func TestAPanicWhileChannelsAreOpened(t *testing.T) {
	t.Parallel()
	s, router := storetest.Open(t, 0)
	if _, err := s.OpenBy(t.Context(), router.Main(), one, panicking); err == nil || !strings.Contains(err.Error(), "panic: a row that is there") {
		t.Errorf("it ended with %v", err)
	}
	if found, err := s.OpenBy(t.Context(), router.Main(), one); err != nil || !slices.Equal(found, []string{"one"}) {
		t.Errorf("behind it: %q, %v", found, err)
	}
}

// Where all that take groups are held up others are opened all the same.
func TestChannelsAreOpenedBesideThoseThatHang(t *testing.T) {
	t.Parallel()
	s, router := storetest.Open(t, 0)
	ctx := t.Context()
	hold, err := router.Main().Pool().Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = hold.Rollback(context.WithoutCancel(ctx)) }()
	if _, err = hold.Exec(ctx, `LOCK TABLE linkspan_main.channel`); err != nil {
		t.Fatal(err)
	}
	const held = `SELECT 0::smallint, count(*)::text FROM linkspan_main.channel`
	var hung sync.WaitGroup
	for n := range 2 {
		hung.Go(func() {
			if found, err := s.OpenBy(ctx, router.Main(), held); err != nil || !slices.Equal(found, []string{"0"}) {
				t.Errorf("what hung: %q, %v", found, err)
			}
		})
		servertest.Eventually(t, "it waits for the table", func() bool {
			var waiting int
			err := router.Main().Pool().QueryRow(ctx, `
				SELECT count(*) FROM pg_locks AS l JOIN pg_stat_activity AS a USING (pid) WHERE NOT l.granted AND a.datname = current_database()`).Scan(&waiting)
			return err == nil && waiting > n
		})
	}
	if found, err := s.OpenBy(ctx, router.Main(), one); err != nil || !slices.Equal(found, []string{"one"}) {
		t.Errorf("beside it: %q, %v", found, err)
	}
	if err := hold.Commit(ctx); err != nil {
		t.Fatal(err)
	}
	hung.Wait()
}

// Many who open channels at once each get their own, and who leaves delays nobody.
func TestManyOpenChannelsAtOnce(t *testing.T) {
	t.Parallel()
	eachShape(t, func(t *testing.T, w *world) {
		type view struct {
			reader channel.User
			id     ids.Channel
		}
		r := channel.MessageRange{Limit: 3, Backward: true}
		var views []view
		for _, name := range []string{"launch", "support", "billing"} {
			id, _ := w.talkIn(name, 4)
			for _, reader := range []channel.User{w.user(w.acme, "ana"), w.user(w.acme, "ben"), w.user(w.globex, "gil")} {
				views = append(views, view{reader, id})
			}
		}
		want := make([]channel.Opened, len(views))
		for i, v := range views {
			var err error
			want[i], err = w.OpenChannel(t.Context(), as(v.reader.ID), v.id, true, &r)
			w.must(err)
			forget(&want[i])
		}
		gone, leave := context.WithCancel(t.Context())
		var all sync.WaitGroup
		for range 20 {
			for i, v := range views {
				all.Go(func() {
					got, err := w.OpenChannel(t.Context(), as(v.reader.ID), v.id, true, &r)
					if forget(&got); err != nil || !reflect.DeepEqual(got, want[i]) {
						t.Errorf("%s: %+v, %v", v.reader.Name, got, err)
					}
				})
			}
			all.Go(func() {
				if got, err := w.OpenChannel(gone, as(views[0].reader.ID), views[0].id, true, &r); err != nil && (!errors.Is(err, context.Canceled) || got.Channel != nil) {
					t.Errorf("who left got %+v, %v", got, err)
				}
			})
		}
		leave()
		all.Wait()
	})
}
