package channel

import (
	"context"
	"errors"
	"testing"

	"linkspan/internal/ids"
)

// known are users whom clusters know; where one is out of reach there is an error beside.
type known struct {
	Shards
	Conversation
	inChannel, elsewhere    []string
	channelDown, othersDown bool
}

var errDown = errors.New("a cluster is out of reach")

func usersOf(group Group, subs []string, down bool) (map[ids.User]User, error) {
	found := map[ids.User]User{}
	for _, sub := range subs {
		found[ids.UserOf(group.ID, sub)] = User{ID: ids.UserOf(group.ID, sub), Name: sub}
	}
	if down {
		return found, errDown
	}
	return found, nil
}

func (k *known) Participants(_ context.Context, r Reader, _ ids.Channel, _ []ids.User) (map[ids.User]User, error) {
	return usersOf(Group{ID: r.User.Group}, k.inChannel, k.channelDown)
}

func (k *known) Users(_ context.Context, r Reader, _ []ids.User) (map[ids.User]User, error) {
	return usersOf(Group{ID: r.User.Group}, k.elsewhere, k.othersDown)
}

// Who is to be listed is found while clusters are out of reach that have nothing to do with it; only of who is found nowhere nobody can say whether it is known.
func TestOwnUserNeedsNoClusterThatDoesNotKnowIt(t *testing.T) {
	t.Parallel()
	group := Group{ID: ids.NewGroup()}
	ana := &Viewer{User: User{ID: ids.UserOf(group.ID, "ana")}, Group: group, Role: RoleAdmin}
	hua := []string{"hua"}
	for name, test := range map[string]struct {
		known
		found bool
		err   error
	}{
		"in the channel, others are down":     {known{inChannel: hua, othersDown: true}, true, nil},
		"elsewhere, the channel is down":      {known{elsewhere: hua, channelDown: true}, true, nil},
		"elsewhere, and one of these is down": {known{elsewhere: hua, othersDown: true}, true, nil},
		"nowhere":                             {known{inChannel: []string{"ivy"}, elsewhere: []string{"ivy"}}, false, nil},
		"nowhere, others are down":            {known{othersDown: true}, false, errDown},
		"nowhere but for one of those":        {known{elsewhere: []string{"ivy"}, othersDown: true}, false, errDown},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &Service{Shards: &test.known, Conversation: &test.known}
			user, err := s.ownUser(t.Context(), ana, ids.Channel{}, ids.UserOf(group.ID, "hua"))
			if (user != nil) != test.found || !errors.Is(err, test.err) {
				t.Errorf("found is %v, %v", user, err)
			}
		})
	}
}
