package store_test

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"linkspan/internal/channel"
	"linkspan/internal/ids"
	"linkspan/internal/store/storetest"
	"linkspan/shardrouter"
)

// What is opened with others is what it is alone, and what Postgres refuses, or is no such row as it must be, is refused alone.
func TestOpeningsInAGroupAreApart(t *testing.T) {
	t.Parallel()
	s, router := storetest.Open(t, 0)
	const one, two, other = `SELECT 0::smallint, 'one'`, `SELECT 0::smallint, 'two'`, `SELECT 0::smallint, 'other'`
	const refused, unfit, elsewhere = `SELECT 0::smallint, (1 / (SELECT count(*) FROM pg_class WHERE false))::text`,
		`SELECT 0::smallint, NULL::text, 'too', 'many' UNION ALL SELECT 0::smallint, 'x', 'too', 'many'`, `SELECT 0::smallint, 'x' WHERE false`
	seen, errs := s.OpenTogether(t.Context(), router.Main(), [][]string{
		{one, two}, {refused, two}, {two, refused, one}, {unfit}, {elsewhere, one}, {other}, {refused}, {one},
	}...)
	want := [][]string{{"one", "two"}, nil, {"two"}, nil, nil, {"other"}, nil, {"one"}}
	for i := range want {
		if got := seen[i]; errs[i] == nil && !slices.Equal(got, want[i]) {
			t.Errorf("%d: %q instead of %q", i, got, want[i])
		}
	}
	for i, err := range errs {
		var pg *pgconn.PgError
		fits := err == nil
		switch i {
		case 1, 6:
			fits = errors.As(err, &pg) && pg.Code == "22012"
		case 3:
			fits = err != nil && !errors.As(err, &pg)
		case 4:
			fits = errors.Is(err, shardrouter.ErrNotOwned)
		}
		if !fits {
			t.Errorf("%d: %v", i, err)
		}
	}
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
		}
		gone, leave := context.WithCancel(t.Context())
		var all sync.WaitGroup
		for range 20 {
			for i, v := range views {
				all.Go(func() {
					got, err := w.OpenChannel(t.Context(), as(v.reader.ID), v.id, true, &r)
					if err != nil || !reflect.DeepEqual(got, want[i]) {
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
