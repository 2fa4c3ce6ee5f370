package store_test

import (
	"linkspan/internal/channel"
	"linkspan/internal/ids"
)

// as is a member of a group as a reader.
func as(user ids.User) channel.Reader { return channel.Reader{User: user, As: user} }

// anyOf is any member of a group as a reader.
func anyOf(group ids.Group) channel.Reader { return channel.Reader{User: ids.User{Group: group}} }
