//go:build long

package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"linkspan/internal/gqlclient"
	"linkspan/internal/ids"
)

// inboxEntry is an event of an inbox, as a listener hears it and as the database has it.
type inboxEntry struct {
	number     int64
	kind       string // the type of the event in the API
	invitation ids.Invitation
}

// kinds are the kinds of events in the database, by their types in the API.
var kinds = map[string]string{
	"INVITATION_RECEIVED": "InvitationReceived", "INVITATION_CHANGED": "InvitationChanged",
	"SHARED_CHANNEL_LINKED": "SharedChannelLinked",
}

const inboxDocument = `subscription ($after: LogCursor) { inbox(after: $after) { __typename cursor
	... on InvitationReceived { invitation { id } } ... on InvitationChanged { invitation { id } }
	... on SharedChannelLinked { invitation { id } } } }`

// ear hears a group's inbox, or a channel's log, from its beginning, over as many connections as it takes, each from the last
// cursor on. E is an event of the log.
type ear[E comparable] struct {
	lane     *lane
	who      *party
	document string
	input    map[string]any // beside the cursor
	// read decodes a result: the cursor, and what makes the event of its number; nil: it is a checkpoint.
	read func(gqlclient.Result) (cursor string, event func(number int64) E, err error)
	end  context.CancelFunc
	done sync.WaitGroup

	mu    sync.Mutex
	after string
	heard []E
}

// listen begins to listen where the inbox is empty still; close ends it.
func listen(l *lane, who *party) *ear[inboxEntry] {
	l.t.Helper()
	var now struct{ Viewer struct{ InboxCursor string } }
	if err := l.client(who.token).Do(l.t.Context(), `{ viewer { inboxCursor } }`, "", nil, &now); err != nil {
		l.t.Fatal(err)
	}
	e := &ear[inboxEntry]{lane: l, who: who, document: inboxDocument, read: readInbox, after: now.Viewer.InboxCursor}
	e.begin()
	return e
}

// begin begins to listen behind the cursor.
func (e *ear[E]) begin() {
	ctx, end := context.WithCancel(e.lane.t.Context())
	e.end = end
	e.done.Go(func() {
		again := time.NewTicker(10 * time.Millisecond)
		defer again.Stop()
		for ctx.Err() == nil {
			_, moved := e.lane.where()
			_ = e.follow(ctx, moved)
			select {
			case <-again.C:
			case <-ctx.Done():
			}
		}
	})
}

func (e *ear[E]) close() {
	e.end()
	e.done.Wait()
}

// follow hears on one connection until it breaks, or the program is another.
func (e *ear[E]) follow(ctx context.Context, moved <-chan struct{}) error {
	ctx, end := context.WithCancel(ctx)
	defer end()
	e.done.Go(func() {
		select {
		case <-moved:
			end()
		case <-ctx.Done():
		}
	})
	socket, err := e.lane.client(e.who.token).Dial(ctx)
	if err != nil {
		return err
	}
	defer socket.Close()
	e.mu.Lock()
	after := e.after
	e.mu.Unlock()
	input := map[string]any{"after": after}
	maps.Copy(input, e.input)
	sub, err := socket.Subscribe(e.document, "", input)
	if err != nil {
		return err
	}
	for {
		result, err := sub.Next(ctx)
		if err == nil {
			err = e.take(result)
		}
		if err != nil {
			return err
		}
	}
}

// take notes what was heard, and how far.
func (e *ear[E]) take(result gqlclient.Result) error {
	cursor, event, err := e.read(result)
	if err != nil {
		return err
	}
	at, err := ids.ParseLogCursor(cursor)
	if err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.after = cursor
	if event != nil {
		e.heard = append(e.heard, event(at.Position))
	}
	return nil
}

func readInbox(result gqlclient.Result) (cursor string, event func(int64) inboxEntry, err error) {
	var data struct {
		Inbox *struct {
			Typename   string `json:"__typename"`
			Cursor     string
			Invitation struct{ ID ids.Invitation }
		}
	}
	if err := result.Decode(&data); err != nil {
		return "", nil, err
	}
	if data.Inbox == nil {
		return "", nil, errNothingHeard
	}
	if data.Inbox.Typename == "InboxCheckpoint" {
		return data.Inbox.Cursor, nil, nil
	}
	return data.Inbox.Cursor, func(number int64) inboxEntry {
		return inboxEntry{number, data.Inbox.Typename, data.Inbox.Invitation.ID}
	}, nil
}

var errNothingHeard = errors.New("a result without an event")

// hasHeard tells where what was heard is not the log.
func (e *ear[E]) hasHeard(log []E) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !slices.Equal(e.heard, log) {
		return fmt.Errorf("%s heard %v of the log %v", e.who.handle, e.heard, log)
	}
	return nil
}

// log is the group's inbox log in its database, as far as it is shown. The error tells where it is not dense.
func (l *lane) log(who *party, cluster string) (log []inboxEntry, err error) {
	var head int64
	if err := l.pools[cluster].QueryRow(l.t.Context(),
		`SELECT head FROM linkspan_shard.inbox_log WHERE group_id = $1`, who.id).Scan(&head); err != nil {
		return nil, err
	}
	rows, err := l.pools[cluster].Query(l.t.Context(),
		`SELECT number, kind, COALESCE(invitation_id, group_id) FROM linkspan_shard.inbox_event WHERE group_id = $1 ORDER BY number`, who.id)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	last := int64(0)
	for rows.Next() {
		var e inboxEntry
		if err := rows.Scan(&e.number, &e.kind, &e.invitation); err != nil {
			return nil, err
		}
		if last++; e.number != last {
			return nil, fmt.Errorf("%s: event %d is the %d. of its log", who.handle, e.number, last)
		}
		if e.kind = kinds[e.kind]; e.kind != "" { // a block is shown to nobody
			log = append(log, e)
		}
	}
	if rows.Err() == nil && head != last {
		return nil, fmt.Errorf("%s: the log's head is %d, and it has %d events", who.handle, head, last)
	}
	return log, rows.Err()
}
