package store_test

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"linkspan/internal/channel"
	"linkspan/internal/ids"
	"linkspan/internal/store"
	"linkspan/internal/store/storetest"
)

// many is a shard with many channels that have much to say.
type many struct {
	*pgx.Conn
	t      testing.TB
	slot   int16
	reader ids.User
}

// say adds a channel of that many messages, all of which say "common", and each a word of its own.
func (m *many) say(messages int, owner ids.Group) ids.Channel {
	m.t.Helper()
	id := ids.NewChannel(time.Now(), uint16(m.slot))
	m.exec(`INSERT INTO linkspan_shard.channel_log (slot, channel_id, history) VALUES ($1, $2, gen_random_uuid())`, m.slot, id)
	m.exec(`INSERT INTO linkspan_shard.channel_side (slot, channel_id, group_id, role, handle, group_name, name, state, version)
		VALUES ($1, $2, $3, 'INITIATOR', 'acme', 'Acme', 'launch', 'LINKED', 1)`, m.slot, id, m.reader.Group)
	m.exec(`INSERT INTO linkspan_shard.message_words (slot, channel_id, owner_group_id, number, follows, words)
		SELECT $1, $2, COALESCE($3::uuid, '00000000-0000-0000-0000-000000000000'), n, n, `+wordsOf(`('common word' || n)`, `$4`)+`
		FROM generate_series(1, $5) AS n`, m.slot, id, owner, store.Mark(id, owner), messages)
	return id
}

func (m *many) exec(statement string, args ...any) {
	m.t.Helper()
	if _, err := m.Exec(m.t.Context(), statement, args...); err != nil {
		m.t.Fatalf("%s: %v", statement, err)
	}
}

// plan runs a search and returns how Postgres did it.
func (m *many) plan(id ids.Channel, search channel.Search, mode string) []string {
	m.t.Helper()
	m.exec(`SET plan_cache_mode = ` + mode)
	defer m.exec(`DEALLOCATE searched`)
	if _, err := m.Prepare(m.t.Context(), "searched", store.FoundPages[search.Order][0][0]); err != nil {
		m.t.Fatal(err)
	}
	args := append([]any{m.slot}, store.SearchArgs(as(m.reader), id, search, channel.MessageRange{Limit: 20})...)
	literals := make([]string, len(args))
	for i, arg := range args {
		switch arg := arg.(type) {
		case ids.Channel:
			literals[i] = `'` + arg.UUID().String() + `'`
		case ids.Group:
			literals[i] = `'` + arg.UUID().String() + `'`
		case ids.User:
			literals[i] = `'` + arg.UUID().String() + `'`
		default:
			literals[i] = fmt.Sprintf(`'%v'`, arg)
		}
	}
	rows, err := m.Query(m.t.Context(), `EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) EXECUTE searched(`+strings.Join(literals, `, `)+`)`, pgx.QueryExecModeSimpleProtocol)
	if err != nil {
		m.t.Fatal(err)
	}
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		m.t.Fatal(err)
	}
	return lines
}

var (
	wordsRead   = regexp.MustCompile(`(?:Index Scan (?:Backward )?using|Bitmap Index Scan on|Seq Scan on) (message_words\S*).*rows=(\d+)`)
	wordsNotFit = regexp.MustCompile(`Rows Removed by (?:Filter|Index Recheck): (\d+)`)
)

// TestSearchReadsItsOwnChannel searches 100,000 messages of many channels: all that is read, by the index of words, is what is
// found in the channel, with statistics and without.
func TestSearchReadsItsOwnChannel(t *testing.T) {
	t.Parallel()
	conn, err := pgx.Connect(t.Context(), storetest.Config(t, 0).MainDSN)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(t.Context()))
	m := &many{Conn: conn, t: t, slot: 7, reader: ids.UserOf(ids.NewGroup(), "ana")}
	big := m.say(40_000, ids.Group{})
	small := m.say(200, ids.Group{})
	for range 120 {
		m.say(400, ids.Group{})
	}
	m.exec(`INSERT INTO linkspan_shard.message_words (slot, channel_id, owner_group_id, number, follows, words)
		SELECT slot, channel_id, $2, number, follows, `+wordsOf(`('common secret word' || number)`, `$3`)+`
		FROM linkspan_shard.message_words WHERE channel_id = $1 AND number <= 12000`, big, ids.NewGroup(), store.Mark(big, ids.NewGroup()))

	for _, statistics := range []bool{false, true} {
		if statistics {
			m.exec(`ANALYZE linkspan_shard.message_words`)
		}
		for _, mode := range []string{"force_custom_plan", "force_generic_plan"} {
			for _, c := range []struct {
				name  string
				in    ids.Channel
				text  string
				reads int // messages at most

			}{
				{"a rare word in a big channel", big, "WORD123 common", 1},
				{"what is not there", big, "secret", 0},
				{"without a word", small, "-word123", 200},
				{"a common word in a small channel", small, "common", 200},
			} {
				for _, order := range []channel.SearchOrder{channel.SearchNewest, channel.SearchRank} {
					lines := m.plan(c.in, channel.Search{Text: c.text, Order: order}, mode)
					name := fmt.Sprintf("%s, %s, %s, statistics %v", c.name, order, mode, statistics)
					scans := 0
					for _, line := range lines {
						if found := wordsRead.FindStringSubmatch(line); found != nil {
							scans++
							if n, _ := strconv.Atoi(found[2]); n > c.reads || found[1] != "message_words_found" {
								t.Errorf("%s: %s rows by %s:\n%s", name, found[2], found[1], strings.Join(lines, "\n"))
							}
						}
						if found := wordsNotFit.FindStringSubmatch(line); found != nil {
							if n, _ := strconv.Atoi(found[1]); n > c.reads {
								t.Errorf("%s: %d rows are read in vain:\n%s", name, n, strings.Join(lines, "\n"))
							}
						}
					}
					if scans == 0 {
						t.Errorf("%s: this plan reads no words:\n%s", name, strings.Join(lines, "\n"))
					}
				}
			}
		}
	}
}
