package load

import (
	"bytes"
	"strconv"
	"time"
)

// markPrefix begins a mark in a message's text.
const markPrefix = "mark:"

// mark tells a message apart in what subscribers read: "mark:<sent>:<writer>:<number>:".
type mark struct {
	sent   int64 // nanoseconds since 1970
	writer int   // from 1; 0: a probe, which only shows that a subscriber listens
	number int   // the writer's own, dense from 0
}

func (m mark) append(to []byte) []byte {
	to = append(to, markPrefix...)
	to = append(strconv.AppendInt(to, m.sent, 10), ':')
	to = append(strconv.AppendInt(to, int64(m.writer), 10), ':')
	return append(strconv.AppendInt(to, int64(m.number), 10), ':')
}

// delay is how long before a time the message was sent.
func (m mark) delay(at time.Time) time.Duration { return time.Duration(at.UnixNano() - m.sent) }

// findMark returns the first mark in a text.
func findMark(text []byte) (m mark, found bool) {
	i := bytes.Index(text, []byte(markPrefix))
	if i < 0 {
		return m, false
	}
	text = text[i+len(markPrefix):]
	var parts [3]int64
	for part := range parts {
		digits := 0
		for digits < len(text) && '0' <= text[digits] && text[digits] <= '9' {
			parts[part] = parts[part]*10 + int64(text[digits]-'0')
			digits++
		}
		if digits == 0 || digits == len(text) || text[digits] != ':' {
			return m, false
		}
		text = text[digits+1:]
	}
	return mark{parts[0], int(parts[1]), int(parts[2])}, true
}
