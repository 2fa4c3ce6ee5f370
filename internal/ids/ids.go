package ids

import (
	"crypto/sha256"
	"encoding/binary"
	"io"
	"strconv"
	"time"

	"github.com/google/uuid"
)

type (
	// Group identifies a group (tenant): a UUIDv7, made at registration.
	Group struct{ key }
	// Invitation identifies an invitation: a UUIDv7.
	Invitation struct{ key }
	// Channel identifies a shared channel for all groups and for good: a UUIDv8 of 48 bits of milliseconds, 12 bits of
	// slot and 62 random bits, so that the id alone routes to the channel's shard.
	Channel struct{ key }
	// Shard identifies a channel's shard: one a channel, with the channel's bytes.
	Shard struct{ key }
	// Op identifies one run of a mutation, whether it is tried once or ten times.
	Op struct{ key }
	// Transition identifies a decision in main's history: a UUIDv7.
	Transition struct{ key }
	// Log identifies a log: a group's inbox log has the group's bytes, a channel's logs have the channel's.
	Log struct{ key }
	// History identifies an unbroken history of a log; it changes only when an older backup is restored.
	History struct{ key }
)

// User identifies a user of a group: it is made from the group and the subject of the user's token, so it needs no
// registration and routes to the group's shard without a look-up.
type User struct {
	Group Group
	key   // hash of group and subject
}

// Viewer identifies a user as the one who asks.
type Viewer struct{ User }

// Side identifies one group's side of a channel.
type Side struct {
	Channel Channel
	Group   Group
}

// NewGroup makes an id for a group that is being registered.
func NewGroup() Group { return Group{key(uuid.Must(uuid.NewV7()))} }

// NewInvitation makes an id for an invitation that is being sent.
func NewInvitation() Invitation { return Invitation{key(uuid.Must(uuid.NewV7()))} }

// NewTransition makes an id for a decision that is being written.
func NewTransition() Transition { return Transition{key(uuid.Must(uuid.NewV7()))} }

// NewHistory makes a random id for a log that is being made.
func NewHistory() History { return History{key(uuid.New())} }

// NewOp makes a random id for a run of a mutation without an idempotency key.
func NewOp() Op { return Op{key(uuid.New())} }

// OpFor makes the id that every repetition of a mutation with an idempotency key has in common. The parts are the
// key's scope and the key; their number and order must not change from release to release.
func OpFor(parts ...string) Op { return Op{hash("op", parts...)} }

// NewChannel makes an id for a channel that is created at that time on that slot (0 to 4095).
func NewChannel(at time.Time, slot uint16) Channel {
	k := key(uuid.New())
	ms := uint64(at.UnixMilli())
	binary.BigEndian.PutUint16(k[0:], uint16(ms>>32))
	binary.BigEndian.PutUint32(k[2:], uint32(ms))
	binary.BigEndian.PutUint16(k[6:], 0x8000|slot&0x0fff)
	return Channel{k} // the variant bits in k[8] stay as uuid.New set them
}

// GroupFrom returns the group with those bytes, as they were stored.
func GroupFrom(bytes [16]byte) Group { return Group{key(bytes)} }

// UserFrom returns the user of a group with those bytes, as they were stored.
func UserFrom(group Group, bytes [16]byte) User { return User{group, key(bytes)} }

// ChannelFrom returns the channel with those bytes, as they were stored.
func ChannelFrom(bytes [16]byte) Channel { return Channel{key(bytes)} }

// Slot returns the slot (0 to 4095) that the channel's id carries. It is meaningless for an id that NewChannel did not
// make; reads with such an id find nothing.
func (id Channel) Slot() uint16 { return binary.BigEndian.Uint16(id.key[6:]) & 0x0fff }

// Shard returns the id of the channel's shard.
func (id Channel) Shard() Shard { return Shard(id) }

// Channel returns the channel whose shard this is.
func (id Shard) Channel() Channel { return Channel(id) }

// Log returns the id of the channel's logs.
func (id Channel) Log() Log { return Log(id) }

// Channel returns the channel whose log this is.
func (id Log) Channel() Channel { return Channel(id) }

// InboxLog returns the id of the group's inbox log.
func (id Group) InboxLog() Log { return Log(id) }

// Group returns the group whose inbox log this is.
func (id Log) Group() Group { return Group(id) }

// UserOf returns the id of the group's user with that token subject.
func UserOf(group Group, subject string) User {
	return User{Group: group, key: hash("user", string(group.key[:]), subject)}
}

// hash makes a UUIDv8 from the parts; each is preceded by its length, so that no two lists of parts run together.
func hash(domain string, parts ...string) key {
	h := sha256.New()
	for _, part := range append([]string{domain}, parts...) {
		io.WriteString(h, strconv.Itoa(len(part))+":"+part)
	}
	k := key(h.Sum(nil)[:16])
	k[6] = k[6]&0x0f | 0x80
	k[8] = k[8]&0x3f | 0x80
	return k
}
