package ids

import (
	"encoding/base32"
	"fmt"
	"strings"
)

// alphabet is Crockford's base32 in lower case: no i, l, o, u.
var alphabet = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

// MalformedError is the error of every text that is no id, or no cursor, of the type that was expected. What is the
// type in words; the text itself is not kept.
type MalformedError struct{ What string }

func (e *MalformedError) Error() string { return fmt.Sprintf("this is not %s", e.What) }

// Kind is the type that an id names, written as its prefix.
type Kind string

// The kinds of ids, as clients see them before the underscore.
const (
	KindGroup      Kind = "grp"
	KindUser       Kind = "usr"
	KindViewer     Kind = "vwr"
	KindChannel    Kind = "chn"
	KindSide       Kind = "sid"
	KindShard      Kind = "shd"
	KindInvitation Kind = "inv"
	KindMessage    Kind = "msg"
)

// kinds holds for each kind its name in words and the number of bytes behind the prefix.
var kinds = map[Kind]struct {
	what string
	size int
}{
	KindGroup:      {"a group's id", 16},
	KindUser:       {"a user's id", 32},
	KindViewer:     {"a viewer's id", 32},
	KindChannel:    {"a channel's id", 16},
	KindSide:       {"a channel side's id", 32},
	KindShard:      {"a channel shard's id", 16},
	KindInvitation: {"an invitation's id", 16},
	KindMessage:    {"a message's id", messageSize},
}

func encode(kind Kind, parts ...[16]byte) string {
	raw := make([]byte, 0, 32)
	for _, part := range parts {
		raw = append(raw, part[:]...)
	}
	return spell(kind, raw)
}

func spell(kind Kind, raw []byte) string {
	text := make([]byte, 0, 80)
	text = append(text, kind...)
	text = append(text, '_')
	return string(alphabet.AppendEncode(text, raw))
}

// decode returns the bytes of a text that is an id of that kind, canonically spelt.
func decode(kind Kind, text string) ([]byte, error) { return decodeSize(kind, kinds[kind].size, text) }

func decodeSize(kind Kind, size int, text string) ([]byte, error) {
	malformed := &MalformedError{What: kinds[kind].what}
	rest, ok := strings.CutPrefix(text, string(kind)+"_")
	if !ok {
		return nil, malformed
	}
	raw, err := decodeCanonical(rest, size)
	if err != nil {
		return nil, malformed
	}
	return raw, nil
}

func decodeCanonical(text string, size int) ([]byte, error) {
	if len(text) != alphabet.EncodedLen(size) {
		return nil, fmt.Errorf("%d characters, want %d", len(text), alphabet.EncodedLen(size))
	}
	raw, err := alphabet.DecodeString(text)
	if err != nil {
		return nil, err
	}
	if alphabet.EncodeToString(raw) != text {
		return nil, fmt.Errorf("not the canonical spelling")
	}
	return raw, nil
}
