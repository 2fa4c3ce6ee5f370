package ids

import (
	"encoding/base64"
	"encoding/binary"
	"hash/crc32"
	"io"
	"math"
	"strconv"
)

// LogKind is the kind of a log.
type LogKind byte

// The kinds of logs.
const (
	LogInbox   LogKind = 1 // a group's inbox
	LogChannel LogKind = 2 // a channel's public log with the reader's private one, in their one order
)

// LogCursor is a position in a log: the reader has everything up to and including Position. It names the log, the
// group that reads it and the history it belongs to, because a position means nothing elsewhere.
type LogCursor struct {
	Kind     LogKind
	Log      Log
	Reader   Group
	History  History
	Position int64 // number of the last event that the reader has; 0 before the first
}

// ListKind is the kind of a paged list.
type ListKind byte

// The paged lists.
const (
	ListSharedChannels      ListKind = 1
	ListReceivedInvitations ListKind = 2
	ListSentInvitations     ListKind = 3
	ListChannelInvitations  ListKind = 4
	ListMessages            ListKind = 5
	ListReplies             ListKind = 6
	ListFound               ListKind = 7 // by a search for one text
	ListAudit               ListKind = 8
	ListSideMembers         ListKind = 9
)

// ofChannel reports whether the list is one of a channel's.
func (k ListKind) ofChannel() bool {
	return k >= ListChannelInvitations && k <= ListFound || k == ListSideMembers
}

// ofMessages reports whether the list is of messages, which have two numbers.
func (k ListKind) ofMessages() bool { return k >= ListMessages && k <= ListFound }

// PageCursor is a place in a paged list of a group: the row at Position, whether it still exists or not.
type PageCursor struct {
	Kind     ListKind
	Reader   Group
	Channel  Channel // of lists of a channel
	Position int64
	Private  int64   // of lists of messages: behind how many of the private ones that follow Position
	Root     Message // of lists of replies: what they reply to
	Search   uint64  // of what a search found: names what was searched for, and the order
	Rank     float32 // of what a search found, by rank: the message's; else 0
}

const (
	versionLogCursor  = 0x11
	versionPageCursor = 0x21
	checksumSize      = 4
)

// String returns the cursor as clients see it.
func (c LogCursor) String() string {
	raw := make([]byte, 0, 64)
	raw = append(raw, versionLogCursor, byte(c.Kind))
	raw = append(raw, c.Log.key[:]...)
	raw = append(raw, c.Reader.key[:]...)
	raw = append(raw, c.History.key[:]...)
	return seal(binary.BigEndian.AppendUint64(raw, uint64(c.Position)))
}

// ParseLogCursor reads a cursor; the error is a *MalformedError. It does not tell whether the cursor is of the log that
// the caller means: compare Kind, Log and Reader.
func ParseLogCursor(text string) (LogCursor, error) {
	malformed := &MalformedError{What: "a log cursor"}
	raw, ok := unseal(text)
	if !ok || len(raw) != 2+3*16+8 || raw[0] != versionLogCursor {
		return LogCursor{}, malformed
	}
	c := LogCursor{
		Kind:     LogKind(raw[1]),
		Log:      Log{key(raw[2:18])},
		Reader:   Group{key(raw[18:34])},
		History:  History{key(raw[34:50])},
		Position: int64(binary.BigEndian.Uint64(raw[50:])),
	}
	if c.Position < 0 {
		return LogCursor{}, malformed
	}
	return c, nil
}

// MarshalGQL writes the cursor in GraphQL.
func (c LogCursor) MarshalGQL(w io.Writer) { io.WriteString(w, strconv.Quote(c.String())) }

// UnmarshalGQL reads the cursor from GraphQL; the error is a *MalformedError.
func (c *LogCursor) UnmarshalGQL(v any) error {
	text, ok := v.(string)
	if !ok {
		return &MalformedError{What: "a log cursor"}
	}
	parsed, err := ParseLogCursor(text)
	if err != nil {
		return err
	}
	*c = parsed
	return nil
}

// String returns the cursor as clients see it.
func (c PageCursor) String() string {
	raw := make([]byte, 0, 32)
	raw = append(raw, versionPageCursor, byte(c.Kind))
	raw = append(raw, c.Reader.key[:]...)
	if c.Kind.ofChannel() {
		raw = append(raw, c.Channel.key[:]...)
	}
	if c.Kind.ofMessages() {
		raw = binary.BigEndian.AppendUint64(raw, uint64(c.Private))
	}
	switch c.Kind {
	case ListReplies:
		raw = append(raw, c.Root.Owner.key[:]...)
		raw = binary.BigEndian.AppendUint64(raw, uint64(c.Root.Number))
	case ListFound:
		raw = binary.BigEndian.AppendUint64(raw, c.Search)
		raw = binary.BigEndian.AppendUint32(raw, math.Float32bits(c.Rank))
	}
	return seal(binary.BigEndian.AppendUint64(raw, uint64(c.Position)))
}

// ParsePageCursor reads a cursor of that list of that group; anything else is a *MalformedError. It does not tell
// whether the cursor is of the channel, the thread and the search that the caller means: compare Channel, Root and Search.
func ParsePageCursor(text string, kind ListKind, reader Group) (PageCursor, error) {
	malformed := &MalformedError{What: "a cursor of this list"}
	size := 2 + 16 + 8
	if kind.ofChannel() {
		size += 16
	}
	if kind.ofMessages() {
		size += 8
	}
	switch kind {
	case ListReplies:
		size += 16 + 8
	case ListFound:
		size += 8 + 4
	}
	raw, ok := unseal(text)
	if !ok || len(raw) != size || raw[0] != versionPageCursor {
		return PageCursor{}, malformed
	}
	c := PageCursor{Kind: ListKind(raw[1]), Reader: Group{key(raw[2:18])}, Position: int64(binary.BigEndian.Uint64(raw[size-8:]))}
	if c.Kind != kind || c.Reader != reader || c.Position < 0 {
		return PageCursor{}, malformed
	}
	if kind.ofChannel() {
		c.Channel = Channel{key(raw[18:34])}
	}
	if kind.ofMessages() {
		if c.Private = int64(binary.BigEndian.Uint64(raw[34:])); c.Private < 0 {
			return PageCursor{}, malformed
		}
	}
	switch kind {
	case ListReplies:
		c.Root = Message{Channel: c.Channel, Owner: Group{key(raw[42:58])}, Number: int64(binary.BigEndian.Uint64(raw[58:]))}
		if c.Root.Number <= 0 {
			return PageCursor{}, malformed
		}
	case ListFound:
		c.Search = binary.BigEndian.Uint64(raw[42:])
		c.Rank = math.Float32frombits(binary.BigEndian.Uint32(raw[50:]))
		if !(c.Rank >= 0 && c.Rank <= math.MaxFloat32) { // nor NaN
			return PageCursor{}, malformed
		}
	}
	return c, nil
}

// seal appends a checksum, which tells a garbled cursor from a foreign one, and encodes. It is no signature: a cursor
// gives no right.
func seal(raw []byte) string {
	return base64.RawURLEncoding.EncodeToString(binary.BigEndian.AppendUint32(raw, crc32.ChecksumIEEE(raw)))
}

func unseal(text string) ([]byte, bool) {
	sealed, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(sealed) < checksumSize || base64.RawURLEncoding.EncodeToString(sealed) != text {
		return nil, false
	}
	raw, sum := sealed[:len(sealed)-checksumSize], sealed[len(sealed)-checksumSize:]
	return raw, crc32.ChecksumIEEE(raw) == binary.BigEndian.Uint32(sum)
}
