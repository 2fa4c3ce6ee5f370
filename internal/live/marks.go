package live

import (
	"encoding/binary"
	"fmt"

	"github.com/nats-io/nats.go"

	"linkspan/internal/channel"
	"linkspan/internal/ids"
)

// markSubject carries how far users have read. The version is that of the payload, as of hintSubject.
const markSubject = "linkspan.mark.v1"

// markSize is a mark on the wire: the channel, the user's group and the user, and the two big-endian numbers of the place.
const markSize = 3*16 + 2*8

// markKey names whose mark it is.
type markKey struct {
	user    ids.User
	channel ids.Channel
}

func encodeMark(m channel.Marked) [markSize]byte {
	var payload [markSize]byte
	id, group, user := m.Channel.Bytes(), m.User.Group.Bytes(), m.User.Bytes()
	copy(payload[:], id[:])
	copy(payload[16:], group[:])
	copy(payload[32:], user[:])
	binary.BigEndian.PutUint64(payload[48:], uint64(m.UpTo.Public))
	binary.BigEndian.PutUint64(payload[56:], uint64(m.UpTo.Private))
	return payload
}

func decodeMark(payload []byte) (m channel.Marked, err error) {
	if len(payload) != markSize {
		return m, fmt.Errorf("%d bytes, want %d", len(payload), markSize)
	}
	for _, part := range []struct {
		id interface{ Scan(any) error }
		at int
	}{{&m.Channel, 0}, {&m.User.Group, 16}, {&m.User, 32}} {
		if err := part.id.Scan(payload[part.at : part.at+16]); err != nil {
			return m, err
		}
	}
	m.UpTo.Public = int64(binary.BigEndian.Uint64(payload[48:]))
	m.UpTo.Private = int64(binary.BigEndian.Uint64(payload[56:]))
	if m.Channel.IsZero() || m.User.IsZero() || m.UpTo.Public < 0 || m.UpTo.Private < 0 {
		return m, fmt.Errorf("names no place of a channel")
	}
	return m, nil
}

// PublishMark tells everybody, this process too, as [Hints.Publish] does. Marks of one user in one channel that wait together
// leave as the furthest.
func (h *Hints) PublishMark(m channel.Marked) {
	key := markKey{m.User, m.Channel}
	h.mu.Lock()
	if h.closed() {
		h.mu.Unlock()
		return
	}
	before, ok := h.marks[key]
	full := !ok && len(h.marks) >= maxWaitingHints
	if !full && (!ok || before.Before(m.UpTo)) {
		h.marks[key] = m.UpTo
	}
	h.mu.Unlock()
	h.waitingToSend(full)
}

// SubscribeMarks has f called with every mark until cancel, as [Hints.Subscribe] does with hints.
func (h *Hints) SubscribeMarks(f func(channel.Marked)) (cancel func()) {
	return h.listen(listener{mark: f})
}

func (h *Hints) sendMark(m channel.Marked) {
	payload := encodeMark(m)
	if !h.publish(markSubject, payload[:]) {
		h.tellMark(m)
	}
}

// receiveMark takes in a message from NATS, which anybody may have sent.
func (h *Hints) receiveMark(message *nats.Msg) {
	h.stats.received.Add(1)
	m, err := decodeMark(message.Data)
	if err != nil {
		h.malformed(message, err)
		return
	}
	h.tellMark(m)
}

func (h *Hints) tellMark(m channel.Marked) {
	h.listening.RLock()
	defer h.listening.RUnlock()
	for _, l := range h.listeners {
		if l.mark != nil {
			l.mark(m)
		}
	}
}
