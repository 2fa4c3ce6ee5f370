package ids

import (
	"encoding/binary"
	"io"
	"math"
)

// Message identifies a message by the place where it was posted: the event of that number in a log of the channel.
type Message struct {
	Channel Channel
	Owner   Group // whose private log it is; zero: the public one
	Number  int64 // 1, 2, 3 …
}

// A message for everyone is spelt without an owner, so that its id shows nothing of private logs, not that there are any.
const (
	messageSize        = 16 + 8
	privateMessageSize = messageSize + 16
)

// IsZero reports whether the id is unset.
func (id Message) IsZero() bool { return id == Message{} }

// String returns the id as clients see it.
func (id Message) String() string {
	raw := make([]byte, 0, privateMessageSize)
	raw = append(raw, id.Channel.key[:]...)
	raw = binary.BigEndian.AppendUint64(raw, uint64(id.Number))
	if !id.Owner.IsZero() {
		raw = append(raw, id.Owner.key[:]...)
	}
	return spell(KindMessage, raw)
}

func (id *Message) parse(text string) error {
	size := messageSize
	if len(text) > len(KindMessage)+1+alphabet.EncodedLen(messageSize) {
		size = privateMessageSize
	}
	raw, err := decodeSize(KindMessage, size, text)
	if err != nil {
		return err
	}
	number := binary.BigEndian.Uint64(raw[16:])
	parsed := Message{Channel: Channel{key(raw[:16])}, Number: int64(number)}
	if size == privateMessageSize {
		parsed.Owner = Group{key(raw[messageSize:])}
	}
	if number == 0 || number > math.MaxInt64 || size == privateMessageSize && parsed.Owner.IsZero() {
		return &MalformedError{What: kinds[KindMessage].what}
	}
	*id = parsed
	return nil
}

// MarshalText is the id in JSON, spelt as clients see it.
func (id Message) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// MarshalGQL writes the id in GraphQL.
func (id Message) MarshalGQL(w io.Writer) { quote(w, id.String()) }

// UnmarshalGQL reads the id in GraphQL; the error is a *MalformedError.
func (id *Message) UnmarshalGQL(v any) error { return unquote(v, KindMessage, id.parse) }
