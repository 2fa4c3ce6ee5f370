package store

import (
	"encoding/base64"
	"encoding/binary"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/cespare/xxhash/v2"

	"linkspan/internal/channel"
	"linkspan/internal/ids"
)

// A search finds messages by the words of message_words, which is indexed. There each word begins with a mark of the channel
// and of who may read it, so that a search reads the words of its own channel and reader alone: how long it takes tells
// nothing of what others say. The mark by itself is a word too, which all messages have: a search for what has not a word
// needs it. Marks of two channels may be alike by chance; rows are chosen by their keys as well.

// What a word is, is decided here, for Postgres's own reading hangs on the locale of its cluster, and takes "client/server" for a
// path: it gets letters and numbers, and spaces between the words.

// maxWordBytes is where longer words are broken, so that with its mark each is short enough for Postgres.
const maxWordBytes = 512

// unspaced are scripts that write words without spaces between them. There each letter, with the marks on it, is a word.
var unspaced = []*unicode.RangeTable{
	unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Bopomofo, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar, unicode.Tibetan,
}

// mark is what the words of a channel's messages to everyone, or to one group alone, begin with. It is part of what is
// stored, so it never changes.
func mark(id ids.Channel, owner ids.Group) string {
	channel, reader := id.Bytes(), owner.Bytes()
	sum := xxhash.Sum64(append(channel[:], reader[:]...))
	return base64.RawURLEncoding.EncodeToString(binary.BigEndian.AppendUint64(nil, sum)[:6])
}

// searchable is a text as its words are found: runs of letters and numbers with the marks on them, folded, a space between two.
func searchable(text string) string {
	var found strings.Builder
	size, wasAlone := 0, false // of the word, and whether its last letter is one by itself
	for _, r := range folded(text) {
		mark := unicode.Is(unicode.M, r)
		if mark && size == 0 || !mark && !unicode.In(r, unicode.L, unicode.Nd, unicode.Nl) {
			size = 0
			continue
		}
		alone := wasAlone
		if !mark {
			alone = unicode.In(r, unspaced...)
		}
		if size > 0 && (!mark && (alone || wasAlone) || size+utf8.RuneLen(r) > maxWordBytes) {
			size = 0
		}
		if size == 0 && found.Len() > 0 {
			found.WriteByte(' ')
		}
		found.WriteRune(r)
		size, wasAlone = size+utf8.RuneLen(r), alone
	}
	return found.String()
}

// folded is a text without capitals, and without what is invisible within words.
func folded(text string) string {
	return channel.NameKey(strings.Map(func(r rune) rune {
		switch {
		case r == '\u200b': // which is there to break a line between two words
			return ' '
		case unicode.Is(unicode.Cf, r):
			return -1
		}
		return r
	}, text))
}

// or stands between two of which one will do.
const or = "or"

// quotes are the signs that begin and end a phrase.
var quotes = strings.NewReplacer("“", `"`, "”", `"`, "„", `"`, "‟", `"`, "＂", `"`)

// asked is a text to search for as Postgres reads it: phrases, with - before what must not be there, and or between two. What
// stands between two quotes or two spaces is one, whose words are those that [searchable] makes of it.
func asked(text string) string {
	var terms []string
	add := func(sign, text string) {
		if words := searchable(text); words != "" {
			terms = append(terms, sign+`"`+words+`"`)
		}
	}
	sign := ""
	parts := strings.Split(quotes.Replace(text), `"`)
	for i, part := range parts {
		if i%2 == 1 && i < len(parts)-1 {
			add(sign, part)
			continue
		}
		fields := strings.Fields(part)
		for _, field := range fields {
			bare, without := strings.CutPrefix(field, "-")
			switch {
			case without:
				add("-", bare)
			case folded(field) == or && len(terms) > 0 && terms[len(terms)-1] != or:
				terms = append(terms, or)
			default:
				add("", field)
			}
		}
		sign = ""
		if len(fields) > 0 && fields[len(fields)-1] == "-" && strings.HasSuffix(part, "-") {
			sign = "-" // of the phrase that begins here
		}
	}
	if n := len(terms) - 1; n >= 0 && terms[n] == or {
		terms[n] = `"` + or + `"` // between nothing and nothing it is a word
	}
	return strings.Join(terms, " ")
}

// vector is the words of a text, as message_words has them, spelt as Postgres reads a tsvector: each with the mark and its place, and the mark
// by itself. Postgres, which takes each of these words for one, would make the same of the text; to have it do that, write it down, and read it again
// with the marks took it a sixth of what a post of twenty words takes.
func vector(text, mark string) string {
	var b strings.Builder
	place := 0
	for word := range strings.FieldsSeq(searchable(text)) {
		place++
		b.WriteString("'" + mark + word + "':" + strconv.Itoa(place) + " ")
	}
	return b.String() + "'" + mark + "'"
}

// searchFor is what a text that [asked] made asks of words with the mark: ranked to rank what it finds, wanted to find
// it; null where the text has no words.
func searchFor(text, mark string) string {
	return `(
		SELECT q.ranked, CASE WHEN numnode(q.ranked) > 0 THEN ('''' || ` + mark + `::text || '''')::tsquery && q.ranked END AS wanted
		FROM (SELECT regexp_replace(websearch_to_tsquery('pg_catalog.simple', ` + text + `::text)::text,
			'''(([^'']|'''')+)''', '''' || ` + mark + `::text || '\1''', 'g')::tsquery AS ranked) AS q
	)`
}
