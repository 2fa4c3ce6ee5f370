package live

import (
	"encoding/binary"
	"fmt"

	"linkspan/internal/channel"
	"linkspan/internal/ids"
)

// hintSubject carries all hints of all logs. The version is that of the payload: processes of two releases that don't
// understand each other don't hear each other either, and poll.
const hintSubject = "linkspan.hint.v2"

// hintSize is a hint on the wire: the log's kind, its id, its side (nil: none), and the big-endian number it has reached.
const hintSize = 1 + 16 + 16 + 8

func encodeHint(log channel.LogKey, reached int64) [hintSize]byte {
	var payload [hintSize]byte
	payload[0] = byte(log.Kind)
	id := log.ID.Bytes()
	copy(payload[1:], id[:])
	side := log.Side.Bytes()
	copy(payload[17:], side[:])
	binary.BigEndian.PutUint64(payload[33:], uint64(reached))
	return payload
}

func decodeHint(payload []byte) (channel.LogKey, int64, error) {
	if len(payload) != hintSize {
		return channel.LogKey{}, 0, fmt.Errorf("%d bytes, want %d", len(payload), hintSize)
	}
	log := channel.LogKey{Kind: ids.LogKind(payload[0])}
	if err := log.ID.Scan(payload[1:17]); err != nil {
		return channel.LogKey{}, 0, err
	}
	if err := log.Side.Scan(payload[17:33]); err != nil {
		return channel.LogKey{}, 0, err
	}
	reached := int64(binary.BigEndian.Uint64(payload[33:]))
	if log.Kind == 0 || log.ID.IsZero() || reached < 1 {
		return channel.LogKey{}, 0, fmt.Errorf("names no event of a log")
	}
	return log, reached, nil
}
