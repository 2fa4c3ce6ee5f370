package store

import (
	"fmt"
	"testing"
	"time"

	"linkspan/internal/channel"
	"linkspan/internal/ids"
)

// TestKnownRoomsAreBounded has more users post, to one channel and to many, than may be known: those of the latest posts are.
func TestKnownRoomsAreBounded(t *testing.T) {
	t.Parallel()
	group := channel.Group{ID: ids.NewGroup()}
	k := newKnownRooms()
	said := func(id ids.Channel, sub string) *post {
		by := channel.User{ID: ids.UserOf(group.ID, sub), Name: sub}
		return &post{change: &channel.Change{Message: ids.Message{Channel: id}, By: by}}
	}
	learn := func(id ids.Channel, head int64, posts ...*post) {
		r := &room{id: id, active: true, found: head, head: head + int64(len(posts)), sides: []roomSide{{group: group, linked: true}}}
		k.learn(map[ids.Channel]*room{id: r}, posts)
	}
	knows := func(want bool, what string, posts ...*post) {
		t.Helper()
		if got := k.of(posts) != nil; got != want {
			t.Errorf("%s: known is %v", what, got)
		}
	}
	one := ids.NewChannel(time.Now(), 1)
	for n := range maxKnownHere {
		learn(one, int64(n), said(one, fmt.Sprint(n)))
	}
	knows(true, "as many as may be", said(one, "0"), said(one, fmt.Sprint(maxKnownHere-1)))
	learn(one, maxKnownHere, said(one, "one more"))
	knows(false, "one more", said(one, "one more"))
	learn(one, maxKnownHere+1, said(one, "0"))
	knows(true, "anew", said(one, "0"))
	knows(false, "who was known", said(one, "1"))
	learn(one, maxKnownHere+5, said(one, "1"))
	knows(false, "right behind what others did", said(one, "1"))
	learn(one, maxKnownHere+6, said(one, "1"))
	knows(true, "when nobody has done anything since", said(one, "1"))
	knows(false, "from before others did something", said(one, "0"))

	var last ids.Channel
	const each = 100
	for n := range maxKnown/each + 1 {
		last = ids.NewChannel(time.Now(), uint16(n))
		for user := range each {
			learn(last, int64(user), said(last, fmt.Sprint(user)))
		}
	}
	knows(true, "the last", said(last, "0"), said(last, fmt.Sprint(each-1)))
	knows(false, "the first", said(one, "1"))
	if k.held > maxKnown || k.held < maxKnown-each-1 {
		t.Errorf("%d channels and users are known", k.held)
	}
	for k.lru.Len() > 0 {
		k.lru.RemoveOldest()
	}
	if k.held != 0 {
		t.Errorf("of nothing %d are known", k.held)
	}
}
