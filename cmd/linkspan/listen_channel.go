package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"linkspan/internal/gqlclient"
)

// channelLog is the log of one channel as the viewer's group sees it.
type channelLog struct {
	id     string
	people bool // whether show wants to know what the messages say that others are about
	show   func(channelEvent) error

	name  string      // as the viewer's group calls it, when it is known
	group talkedGroup // of the viewer, when it is known
}

func (l *channelLog) ask(ctx context.Context, client *gqlclient.Client) (now string, err error) {
	var answer listenChannelData
	err = client.Do(ctx, listenChannel, "ListenChannel", map[string]any{"id": l.id}, &answer)
	var fault *gqlclient.Error
	switch {
	case errors.As(err, &fault) && fault.Code == "BAD_USER_INPUT":
		return "", &finalError{fmt.Errorf("--channel is not the id of a channel: %s", printable(fault.Message))}
	case errors.As(err, &fault) && fault.Code == "FORBIDDEN" && answer.Viewer != nil:
		return "", &finalError{fmt.Errorf("%s does not take part in this channel now", printable(answer.Viewer.Group.Handle))}
	case err != nil:
		return "", err
	case answer.Viewer == nil:
		return "", &finalError{errOperator}
	case answer.Node == nil:
		return "", &finalError{fmt.Errorf("to %s there is no channel %s", printable(answer.Viewer.Group.Handle), printable(l.id))}
	case answer.Node.Messages == nil:
		return "", &finalError{errors.New("--channel is the id of something else than a channel")}
	}
	l.group, l.name = answer.Viewer.Group, answer.Node.Name
	return answer.Node.Messages.LogCursor, nil
}

func (l *channelLog) subscription(after string) (document, name string, variables map[string]any) {
	return listenChannelEvents, "ListenChannelEvents", map[string]any{"channelId": l.id, "after": after, "people": l.people}
}

func (l *channelLog) read(result gqlclient.Result) (event heardEvent, err error) {
	var data struct{ ChannelEvents json.RawMessage }
	var read channelEvent
	err = result.Decode(&data)
	if len(data.ChannelEvents) == 0 {
		return event, err
	}
	if err := json.Unmarshal(data.ChannelEvents, &read); err != nil {
		return event, fmt.Errorf("an event that this program does not understand: %w", err)
	}
	read.sent = data.ChannelEvents
	event.cursor = read.Cursor
	if read.Typename != "ChannelCheckpoint" {
		event.show = func() error { return l.show(read) }
	}
	if read.Typename == "GroupUnlinked" && read.Group.ID == l.group.ID {
		event.last = fmt.Errorf("%s takes part in this channel no longer", printable(l.group.Handle))
	}
	return event, err
}

func (l *channelLog) title() string {
	return fmt.Sprintf("to “%s” as %s", printable(l.name), printable(l.group.Handle))
}

func (l *channelLog) remedy(fault *gqlclient.Error) error {
	switch fault.Code {
	case "BAD_USER_INPUT":
		return fmt.Errorf("the server refuses this cursor: %s\n"+
			"Give --after a cursor that listen printed for the same group and channel, or the logCursor of a page of its messages;\n"+
			"or leave it away, to begin with now", printable(fault.Message))
	case "CURSOR_EXPIRED":
		return errors.New("the channel can't be continued from this cursor: it is too old, or the server's data was made anew.\n" +
			"Query node(id) { ... on SharedChannel { messages(last: 100) { nodes { body } logCursor } } } to see what there is, and\n" +
			"continue with its logCursor as --after; or leave --after away, to begin with now")
	case "NOT_FOUND":
		return fmt.Errorf("to %s there is no channel %s any more", printable(l.group.Handle), printable(l.id))
	}
	return nil
}

func (l *channelLog) command() string { return "bin/linkspan listen --channel " + shellQuote(l.id) }

// showEventJSON writes an event as the server sent it as one line, with one write.
func showEventJSON(out io.Writer, event channelEvent) error {
	var line bytes.Buffer
	if err := json.Compact(&line, event.sent); err != nil {
		return err
	}
	line.WriteByte('\n')
	_, err := out.Write(line.Bytes())
	return err
}
