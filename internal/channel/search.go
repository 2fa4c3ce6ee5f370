package channel

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"strings"
	"unicode/utf8"

	"linkspan/internal/ids"
)

// MaxSearchRunes is the greatest length of a text to search for, in code points.
const MaxSearchRunes = 560

// SearchOrder is the order of what a search found.
type SearchOrder string

// The orders of what a search found.
const (
	SearchNewest SearchOrder = "NEWEST"
	SearchRank   SearchOrder = "RANK"
)

// Search is what to search for: a text in the syntax of web searches (words, "a phrase", or, -without), and in which order
// to say what was found.
type Search struct {
	Text  string
	Order SearchOrder
}

// check refuses what no search can be for.
func (s Search) check() error {
	switch n := utf8.RuneCountInString(s.Text); {
	case strings.TrimSpace(s.Text) == "":
		return BadInput("A text to search for has something to see in it.")
	case n > MaxSearchRunes:
		return BadInput("A text to search for has at most %d characters.", MaxSearchRunes)
	case strings.ContainsRune(s.Text, 0) || !utf8.ValidString(s.Text):
		return BadInput("A text to search for is UTF-8 without the NUL character.")
	}
	return nil
}

// name tells one search from others in cursors.
func (s Search) name() uint64 {
	sum := sha256.Sum256([]byte(string(s.Order) + "\x00" + s.Text))
	return binary.BigEndian.Uint64(sum[:])
}

// SearchMessages returns a page of those of the channel's messages that the viewer's group may see and that say now what is
// searched for. A group without access gets a FORBIDDEN fault.
func (s *Service) SearchMessages(ctx context.Context, v *Viewer, channel ids.Channel, search Search, args PageArgs) (*MessageConnection, error) {
	if v.Operator {
		return nil, forbiddenToOperators()
	}
	if err := search.check(); err != nil {
		return nil, err
	}
	list := List{Kind: ids.ListFound, Reader: v.Group.ID, Channel: channel, Search: search.name()}
	r, err := args.checkPlaces(list)
	if err != nil {
		return nil, err
	}
	rows, err := s.Conversation.SearchMessages(ctx, v.reader(), channel, search, r)
	showTogether(slices.Values(rows.Messages))
	return pageOfMessages(list, rows, err)
}
