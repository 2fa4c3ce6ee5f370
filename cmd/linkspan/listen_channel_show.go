package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"linkspan/internal/columns"
)

const (
	// hangingColumns is what the time takes at the beginning of a line, and where the lines that continue it begin.
	hangingColumns = 10
	// minColumns is what a terminal is taken for that says it is narrower, or says nothing.
	minColumns = 40
	// maxBodyLines is how many lines of a message are shown.
	maxBodyLines = 12
	// aboutColumns is how much is shown of the message that a reply or a reaction is about.
	aboutColumns = 32
)

// talkScreen shows the events of a channel to people.
type talkScreen struct {
	out     io.Writer
	columns func() int // of the terminal
	zone    *time.Location
	group   func() string // the handle of the viewer's group
	day     string        // that readers take the next time to be of
}

// dayOf is how a day is called.
func dayOf(at time.Time) string { return at.Format("Monday, 2 January 2006") }

// of is how a message is called by when it was posted, with the day if that is not the event's.
func (s *talkScreen) of(event channelEvent) string {
	at := event.Message.CreatedAt.In(s.zone)
	if dayOf(at) != dayOf(event.At.In(s.zone)) {
		return "message of " + at.Format("2 January 2006, 15:04:05")
	}
	return "message of " + at.Format("15:04:05")
}

// show writes an event: the day, if it is another, the time and who did what, in lines of the terminal's width. Lines of a message that it does not
// show are counted.
func (s *talkScreen) show(event channelEvent) error {
	head, body := s.told(event)
	wide := max(s.columns(), minColumns) - 1 - hangingColumns
	var lines []string
	for i, paragraph := range strings.Split(strings.ReplaceAll(body, "\r\n", "\n"), "\n") {
		if i == 0 {
			paragraph = head + " " + paragraph
		}
		lines = append(lines, columns.Lines(printable(paragraph), wide)...)
	}
	var text strings.Builder
	if day := dayOf(event.At.In(s.zone)); day != s.day {
		fmt.Fprintf(&text, "%s%s\n", strings.Repeat(" ", hangingColumns), day)
		s.day = day
	}
	indent := event.At.In(s.zone).Format("15:04:05  ")
	for i, line := range lines {
		if i == maxBodyLines {
			fmt.Fprintf(&text, "%s… and more: %d bytes in all, which --json shows\n", indent, len(body))
			break
		}
		text.WriteString(indent + line + "\n")
		indent = strings.Repeat(" ", hangingColumns)
	}
	_, err := io.WriteString(s.out, text.String())
	return err
}

// told is who did what, and the body of the message that this was.
func (s *talkScreen) told(event channelEvent) (head, body string) {
	who := "somebody"
	if event.Actor != nil {
		who = fmt.Sprintf("%s (%s)", event.Actor.Name, event.Actor.Group.Handle)
	}
	message := event.Message
	if message == nil {
		return s.toldOfGroup(event), ""
	}
	switch event.Typename {
	case "MessagePosted":
		if message.ReplyTo != nil {
			who += " replies to " + quote(message.ReplyTo)
		}
	case "MessageEdited":
		who += " edits a " + s.of(event)
	case "MessageDeleted":
		which := s.of(event) + s.alone(message)
		switch {
		case event.Actor == nil:
			return message.Author.Name + "’s " + which + " is deleted", ""
		case event.Actor.ID != message.Author.ID:
			which = message.Author.Name + "’s " + which
		default:
			which = "a " + which
		}
		return who + " deletes " + which, ""
	case "ReactionChanged":
		done := "reacts with " + event.Emoji + " to "
		if !event.Added {
			done = "takes back " + event.Emoji + " from "
		}
		return fmt.Sprintf("%s %s%s%s (%d now)", who, done, quote(message), s.alone(message), event.Count), ""
	default:
		return who + " does what this program does not know: " + event.Typename, ""
	}
	who += s.alone(message)
	if message.Body == nil {
		return who + ": this message is deleted by now", ""
	}
	return who + ":", *message.Body
}

func (s *talkScreen) toldOfGroup(event channelEvent) string {
	switch event.Typename {
	case "GroupLinked":
		return event.Group.Handle + " takes part from now on"
	case "GroupUnlinked":
		return event.Group.Handle + " takes part no longer"
	}
	return "something happens that this program does not know: " + event.Typename
}

// alone says that a message is for the viewer's own group alone, if it is.
func (s *talkScreen) alone(m *talkedMessage) string {
	if m.Audience == "OWN_GROUP" {
		return ", to " + s.group() + " alone"
	}
	return ""
}

// quote is how a message is called that another is about.
func quote(m *talkedMessage) string {
	if m.Body == nil {
		return "a deleted message"
	}
	said := columns.Cut(printable(*m.Body), aboutColumns)
	return m.Author.Name + "’s “" + said + "”"
}
