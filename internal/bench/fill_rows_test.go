package bench

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"linkspan/internal/channel"
)

// aCopy is how many rows one COPY writes.
const aCopy = 100_000

// copyCluster copies the messages of one cluster's channels, with all that posting them leaves.
func (f *talkFiller) copyCluster(ctx context.Context, dsn string, channels []talkChannel) (err error) {
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close(context.WithoutCancel(ctx))) }()
	if err := f.copyAuthors(ctx, conn, channels); err != nil {
		return err
	}
	// Entering each word of so many messages into the index of words takes ten times as long as making it at the end.
	var definition string
	if err := conn.QueryRow(ctx, `SELECT pg_get_indexdef('linkspan_shard.message_words_found'::regclass)`).Scan(&definition); err != nil {
		return err
	}
	if _, err := conn.Exec(ctx, `DROP INDEX linkspan_shard.message_words_found; SET maintenance_work_mem = '256MB'`); err != nil {
		return err
	}
	each := max(1, aCopy/max(1, len(channels)))
	for n := 0; n < f.messages; n += each {
		until := min(f.messages, n+each)
		for _, table := range f.tables() {
			if err := copyRows(ctx, conn, table, channels, n, until); err != nil {
				return fmt.Errorf("%s: %w", table.name, err)
			}
		}
		f.written.Add(int64((until - n) * len(channels)))
	}
	_, err = conn.Exec(ctx, definition)
	return err
}

// copyAuthors notes who takes part in the channels.
func (f *talkFiller) copyAuthors(ctx context.Context, conn *pgx.Conn, channels []talkChannel) error {
	var rows [][]any
	for _, c := range channels {
		for _, a := range c.authors {
			key := channel.NameKey(a.name)
			rows = append(rows, []any{c.slot, c.id, a.group, a.user, a.name, key, a.name, key, f.begin})
		}
	}
	_, err := conn.CopyFrom(ctx, pgx.Identifier{"linkspan_shard", "channel_user"}, []string{"slot", "channel_id", "group_id", "user_id",
		"name", "name_key", "public_name", "public_name_key", "public_at"}, pgx.CopyFromRows(rows))
	return err
}

// copyRows copies the rows of the messages n to until-1 of each channel, those of one moment one after the other.
func copyRows(ctx context.Context, conn *pgx.Conn, table talkTable, channels []talkChannel, n, until int) error {
	from, to := io.Pipe()
	go func() {
		out := bufio.NewWriterSize(to, 64<<10)
		var row []byte
		var err error
		for ; n < until && err == nil; n++ {
			for i := range channels {
				row = table.row(row[:0], &channels[i], n)
				if _, err = out.Write(row); err != nil {
					break
				}
			}
		}
		to.CloseWithError(errors.Join(err, out.Flush()))
	}()
	_, err := conn.PgConn().CopyFrom(ctx, from, `COPY linkspan_shard.`+table.name+` (`+table.columns+`) FROM STDIN`)
	return errors.Join(err, from.Close())
}

// tables are those of which a message has a row, for one cluster: they are not for several goroutines.
func (f *talkFiller) tables() []talkTable {
	bodies := newBodies(f.words)
	begun := time.Now().Add(-operationsKept)
	return []talkTable{
		{"message", "slot, channel_id, owner_group_id, number, follows, author_group_id, author_id, author_name, created_at, body",
			func(to []byte, c *talkChannel, n int) []byte {
				author := c.author(n)
				to = c.key(to, n)
				to = c.log(to, n)
				to = tab(append(to, author.group.String()...))
				to = tab(append(to, author.user.String()...))
				to = tab(append(to, author.name...))
				to = tab(f.at(to, n))
				for i, word := range bodies.of(c, n) {
					if i > 0 {
						to = append(to, ' ')
					}
					to = append(to, f.words[word]...)
				}
				return append(to, '\n')
			}},
		{"message_words", "slot, channel_id, owner_group_id, number, follows, words",
			func(to []byte, c *talkChannel, n int) []byte {
				to = c.log(c.key(to, n), n)
				for i, word := range bodies.of(c, n) {
					to = append(append(append(append(to, '\''), c.mark...), f.words[word]...), "':"...)
					to = append(strconv.AppendInt(to, int64(i+1), 10), ' ')
				}
				return append(append(append(to, '\''), c.mark...), "'\n"...)
			}},
		{"channel_event", "slot, channel_id, number, message_number, at, kind, actor_group_id, actor_id",
			func(to []byte, c *talkChannel, n int) []byte {
				author := c.author(n)
				to = c.place(to)
				to = c.log(c.log(to, n), n)
				to = append(tab(f.at(to, n)), "MESSAGE_POSTED\t"...)
				to = tab(append(to, author.group.String()...))
				return append(append(to, author.user.String()...), '\n')
			}},
		{"channel_operation", "slot, channel_id, op_id, mutation, input_hash, owner_group_id, number, created_at",
			func(to []byte, c *talkChannel, n int) []byte {
				if f.timeOf(n).Before(begun) {
					return to
				}
				to = tab(append(c.place(to), uuid.NewString()...))
				to = append(to, "postMessage\t\t"...)
				to = tab(append(to, uuid.Nil.String()...))
				return append(f.at(c.log(to, n), n), '\n')
			}},
	}
}

func tab(to []byte) []byte { return append(to, '\t') }

// author is who wrote message n (from 0).
func (c *talkChannel) author(n int) talkAuthor { return c.authors[n%len(c.authors)] }

// place is a channel's part of a key.
func (c *talkChannel) place(to []byte) []byte {
	to = tab(strconv.AppendInt(to, int64(c.slot), 10))
	return tab(append(to, c.id.String()...))
}

// key is that of message n.
func (c *talkChannel) key(to []byte, n int) []byte {
	return c.log(tab(append(c.place(to), uuid.Nil.String()...)), n)
}

// log is the number of message n in the channel's log.
func (*talkChannel) log(to []byte, n int) []byte {
	return tab(strconv.AppendInt(to, int64(linkEvents+1+n), 10))
}

func (f *talkFiller) timeOf(n int) time.Time {
	return f.begin.Add(time.Duration(float64(talkSpan) / float64(f.messages) * float64(n))).Truncate(time.Microsecond)
}

func (f *talkFiller) at(to []byte, n int) []byte {
	return f.timeOf(n).UTC().AppendFormat(to, time.RFC3339Nano)
}

// bodies are what messages say: the same for the same message.
type bodies struct {
	source *rand.PCG
	pick   *rand.Zipf
	words  [wordsOfABody]uint64
}

func newBodies(words []string) *bodies {
	source := new(rand.PCG)
	return &bodies{source: source, pick: rand.NewZipf(rand.New(source), 1.1, 4, uint64(len(words)-1))}
}

// of are the words of message n of a channel, by their places among all.
func (b *bodies) of(c *talkChannel, n int) []uint64 {
	b.source.Seed(uint64(c.number), uint64(n))
	for i := range b.words {
		b.words[i] = b.pick.Uint64()
	}
	return b.words[:]
}
