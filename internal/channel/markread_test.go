package channel

import (
	"context"
	"errors"
	"slices"
	"testing"

	"linkspan/internal/ids"
)

// marking notes marks in a transaction that ends with an error, or none.
type marking struct {
	Conversation
	err error
}

func (m marking) MarkRead(_ context.Context, _ User, _ bool, upTo ids.Message, _ *Operation) (Changed, error) {
	return Changed{
		Standing: Standing{Channel: ChannelActive, Message: &MessageStanding{State: Posted}}, Read: &Place{Public: upTo.Number},
	}, m.err
}

// told keeps the marks that others are told of.
type told struct {
	Hints
	marks []Marked
}

func (h *told) Marked(m Marked) { h.marks = append(h.marks, m) }

// Other devices hear of a mark that is kept, and of no other: they would take the next, which is, for one that they know.
func TestMarksThatFailAreNotTold(t *testing.T) {
	t.Parallel()
	id := ids.ChannelFrom([16]byte{0: 1, 6: 0x80, 8: 0x80})
	v := &Viewer{User: User{ID: ids.UserOf(ids.NewGroup(), "ana")}}
	in := MarkReadInput{ChannelID: id, UpToMessageID: ids.Message{Channel: id, Number: 7}}
	unknown := errors.New("unknown")
	mark := Marked{User: v.User.ID, Channel: id, UpTo: Place{Public: 7}}
	for name, test := range map[string]struct {
		err  error
		want []Marked
	}{"kept": {nil, []Marked{mark}}, "failed": {unknown, nil}, "out of reach": {Unavailable(unknown), nil}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			hints := &told{}
			s := &Service{
				Conversation: marking{err: test.err}, Hints: hints,
				Shards: someChannels{found: map[ids.Channel]*SharedChannel{id: {ID: id}}},
			}
			if _, err := s.MarkRead(t.Context(), v, in); !errors.Is(err, test.err) {
				t.Errorf("got %v, want %v", err, test.err)
			}
			if !slices.Equal(hints.marks, test.want) {
				t.Errorf("told of %v, want %v", hints.marks, test.want)
			}
		})
	}
}
