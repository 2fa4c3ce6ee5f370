package channel

import (
	"context"
	"fmt"
	"testing"

	"linkspan/internal/ids"
)

// namesakes is a channel in which many users have each name.
type namesakes struct {
	Conversation
	each int
}

func (n namesakes) Named(_ context.Context, reader ids.User, _ ids.Channel, _ Audience, keys []string) (map[string][]User, error) {
	users := map[string][]User{}
	for _, key := range keys {
		for i := range n.each {
			users[key] = append(users[key], User{ID: ids.UserOf(reader.Group, fmt.Sprint(key, i)), Name: key})
		}
	}
	return users, nil
}

// A message names all who have a name, but never more than maxMentions users.
func TestMentionsAreBounded(t *testing.T) {
	t.Parallel()
	v := &Viewer{User: User{ID: ids.UserOf(ids.NewGroup(), "ana")}}
	for each, want := range map[int]int{1: 2, 25: 50, 26: 50, 1000: 50} {
		s := &Service{Conversation: namesakes{each: each}}
		users, err := s.mentions(t.Context(), v, &Change{Body: "@ana, @ben"})
		if err != nil || len(users) != want {
			t.Errorf("of two names that %d have each it names %d users, %v; want %d", each, len(users), err, want)
		}
	}
}
