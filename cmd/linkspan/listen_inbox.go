package main

import (
	"context"
	"errors"
	"fmt"

	"linkspan/internal/gqlclient"
)

var errOperator = errors.New("the token is an operator's, who has no group and no inbox; listen as a user, as with\n\n  " + getToken)

// inboxLog is the inbox of the viewer's group, of which invitations are shown.
type inboxLog struct {
	show  func(receivedInvitation) error
	group string // of the viewer, when it is known
}

func (l *inboxLog) ask(ctx context.Context, client *gqlclient.Client) (now string, err error) {
	var answer listenViewerData
	if err := client.Do(ctx, listenViewer, "ListenViewer", nil, &answer); err != nil {
		return "", err
	}
	if answer.Viewer == nil {
		return "", &finalError{errOperator}
	}
	l.group = answer.Viewer.Group.Handle
	return answer.Viewer.InboxCursor, nil
}

func (*inboxLog) subscription(after string) (document, name string, variables map[string]any) {
	return listenInbox, "ListenInbox", map[string]any{"after": after}
}

func (l *inboxLog) read(result gqlclient.Result) (event heardEvent, err error) {
	var data listenInboxData
	err = result.Decode(&data)
	if data.Inbox == nil {
		return event, err
	}
	event.cursor = data.Inbox.Cursor
	if data.Inbox.Typename == "InvitationReceived" {
		event.show = func() error { return l.show(data.Inbox.receivedInvitation) }
	}
	return event, err
}

func (l *inboxLog) title() string { return "for invitations to " + l.group }

func (*inboxLog) remedy(fault *gqlclient.Error) error {
	switch fault.Code {
	case "BAD_USER_INPUT":
		return fmt.Errorf("the server refuses this cursor: %s\n"+
			"Give --after a cursor that listen printed for the same group, or a list's logCursor; or leave it away, to begin with now",
			printable(fault.Message))
	case "CURSOR_EXPIRED":
		return errors.New("the inbox can't be continued from this cursor: it is too old, or the server's data was made anew.\n" +
			"Query viewer { receivedInvitations { nodes { id state } logCursor } } to see what there is, and continue with its\n" +
			"logCursor as --after; or leave --after away, to begin with now")
	}
	return nil
}

func (*inboxLog) command() string { return "bin/linkspan listen" }
