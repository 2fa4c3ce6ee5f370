package shardrouter

import (
	"context"
	"strings"

	"github.com/jackc/pgx/v5"
)

// Statement is what is sent to a cluster in one round trip. It never shows a value.
type Statement struct {
	Cluster string
	// Text is the whole statement where its values travel apart from it ($1, $2, …); those that travel together stand one
	// behind the other, parted by semicolons. Of any other statement, whose text bun has written values into, it is the
	// first word and the first table.
	Text  string
	Count int // of the statements that travel together
}

// StatementTracer is told of statements. TraceStatement is called before one is sent, and what it returns, unless that is
// nil, when it has been answered. It must not wait, and is called concurrently.
type StatementTracer interface {
	// Wants reports whether TraceStatement is to be called in this context. It is asked for each statement.
	Wants(ctx context.Context) bool
	TraceStatement(ctx context.Context, s Statement) (answered func(error))
}

// pgxTracer tells a StatementTracer what pgx does.
type pgxTracer struct {
	cluster string
	to      StatementTracer
}

var _ interface {
	pgx.QueryTracer
	pgx.BatchTracer
} = pgxTracer{}

type answeredKey struct{}

func (t pgxTracer) begin(ctx context.Context, statement Statement) context.Context {
	if answered := t.to.TraceStatement(ctx, statement); answered != nil {
		return context.WithValue(ctx, answeredKey{}, answered)
	}
	return ctx
}

func end(ctx context.Context, err error) {
	if answered, ok := ctx.Value(answeredKey{}).(func(error)); ok {
		answered(err)
	}
}

// TraceQueryStart implements [pgx.QueryTracer].
func (t pgxTracer) TraceQueryStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceQueryStartData) context.Context {
	if !t.to.Wants(ctx) {
		return ctx
	}
	text := data.SQL
	if !isConstant(data) {
		text = headOf(text)
	}
	return t.begin(ctx, Statement{t.cluster, text, 1})
}

// TraceQueryEnd implements [pgx.QueryTracer].
func (pgxTracer) TraceQueryEnd(ctx context.Context, _ *pgx.Conn, data pgx.TraceQueryEndData) {
	end(ctx, data.Err)
}

// TraceBatchStart implements [pgx.BatchTracer]. Batches are those of Tx and Conn, whose texts are constant.
func (t pgxTracer) TraceBatchStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceBatchStartData) context.Context {
	if !t.to.Wants(ctx) {
		return ctx
	}
	var text strings.Builder
	for i, query := range data.Batch.QueuedQueries {
		if i > 0 {
			text.WriteString("; ")
		}
		text.WriteString(query.SQL)
	}
	return t.begin(ctx, Statement{t.cluster, text.String(), data.Batch.Len()})
}

// TraceBatchQuery implements [pgx.BatchTracer].
func (pgxTracer) TraceBatchQuery(context.Context, *pgx.Conn, pgx.TraceBatchQueryData) {}

// TraceBatchEnd implements [pgx.BatchTracer].
func (pgxTracer) TraceBatchEnd(ctx context.Context, _ *pgx.Conn, data pgx.TraceBatchEndData) {
	end(ctx, data.Err)
}

// isConstant reports whether the statement came through [Conn], which alone puts the mode before its arguments.
func isConstant(data pgx.TraceQueryStartData) bool {
	if len(data.Args) == 0 {
		return false
	}
	_, byConn := data.Args[0].(pgx.QueryExecMode)
	return byConn
}

// maxHeadBytes bounds the search for a statement's table.
const maxHeadBytes = 2 << 10

// headOf is a statement's first word and first table, as in "SELECT linkspan_main.outbox_step". Values stand behind a
// single quote or a dollar sign, or are numbers: none is ever part of it.
func headOf(text string) string {
	text = withoutNames(text[:min(len(text), maxHeadBytes)])
	words := strings.Fields(text)
	if len(words) == 0 || strings.IndexFunc(words[0], notALetter) >= 0 {
		return "statement"
	}
	head := strings.ToUpper(words[0])
	for _, word := range words {
		if strings.HasPrefix(word, tablePrefix) {
			if end := strings.IndexFunc(word, notOfAName); end >= 0 {
				word = word[:end]
			}
			return head + " " + word
		}
	}
	return head
}

// withoutNames is what stands before the first value, without the names in double quotes that bun writes. Those of tables
// with a schema of ours stay, without the quotes.
func withoutNames(text string) string {
	var plain strings.Builder
	for {
		at := strings.IndexAny(text, `'"$`)
		if at < 0 {
			plain.WriteString(text)
			return plain.String()
		}
		plain.WriteString(text[:at])
		if text[at] != '"' {
			return plain.String()
		}
		name, rest, closed := strings.Cut(text[at+1:], `"`)
		if table, ofOurs := strings.CutPrefix(rest, `."`); ofOurs && strings.HasPrefix(name, tablePrefix) {
			table, rest, closed = strings.Cut(table, `"`)
			name += "." + table
			if closed && strings.IndexFunc(name, notOfAName) < 0 {
				plain.WriteString(name + " ")
			}
		}
		if !closed {
			return plain.String()
		}
		text = rest
	}
}

// tablePrefix begins the names of all tables, with their schemas.
const tablePrefix = "linkspan_"

func notOfAName(r rune) bool { return (r < 'a' || r > 'z') && r != '_' && r != '.' }

func notALetter(r rune) bool { return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') }
