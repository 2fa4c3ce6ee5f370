package main

import (
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"strings"
	"time"
	"unicode"
)

// showJSON writes an invitation as one line, with one write.
func showJSON(out io.Writer, r receivedInvitation) error {
	line, err := json.Marshal(r)
	if err != nil {
		return err
	}
	_, err = out.Write(append(line, '\n'))
	return err
}

// showSentence writes an invitation for people: who asks whom for what, the cursor, and the command that accepts it.
func showSentence(out io.Writer, r receivedInvitation, endpoint string, zone *time.Location) error {
	var at time.Time
	var in shownInvitation
	if err := json.Unmarshal(r.At, &at); err != nil {
		return err
	}
	if err := json.Unmarshal(r.Invitation, &in); err != nil {
		return err
	}
	var text strings.Builder
	fmt.Fprintf(&text, "\n%s  %s (%s) asks %s to share “%s”", at.In(zone).Format("15:04:05"),
		printable(in.SentBy.Name), printable(in.FromGroup.Handle), printable(in.ToGroup.Handle), printable(in.ProposedName))
	if in.Note != "" {
		fmt.Fprintf(&text, ": “%s”", printable(in.Note))
	}
	switch in.State {
	case "PENDING":
		fmt.Fprintf(&text, "; expires %s\n", in.ExpiresAt.In(zone).Format("2 Jan 2006 15:04 MST"))
	case "AWAITING_APPROVAL":
		text.WriteString("; accepted, and waiting for an approval\n")
	default:
		fmt.Fprintf(&text, "; %s by now\n", strings.ToLower(printable(in.State)))
	}
	fmt.Fprintf(&text, "          cursor %s\n", printable(r.Cursor))
	switch {
	case in.ViewerCanAccept:
		command, err := acceptCommand(endpoint, in.ID)
		if err != nil {
			return err
		}
		fmt.Fprintf(&text, "          to accept, in a terminal with this LINKSPAN_TOKEN too:\n\n%s\n", command)
	case in.State == "PENDING":
		fmt.Fprintf(&text, "          admins of %s can accept it\n", printable(in.ToGroup.Handle))
	}
	_, err := io.WriteString(out, text.String())
	return err
}

// acceptCommand is what accepts an invitation when it is pasted into a shell.
func acceptCommand(endpoint, invitation string) (string, error) {
	body, err := json.Marshal(map[string]any{
		"query":     listenAccept,
		"variables": map[string]any{"input": map[string]any{"invitationId": invitation}},
	})
	if err != nil {
		return "", err
	}
	return "curl -s " + shellQuote(endpoint) + " -w '\\n' \\\n" +
		"  -H 'Content-Type: application/json' \\\n" +
		"  -H \"Authorization: Bearer $LINKSPAN_TOKEN\" \\\n" +
		"  -d " + shellQuote(string(body)), nil
}

// bareWord matches what a shell takes as it is.
var bareWord = regexp.MustCompile(`^[A-Za-z0-9_@%+:,./-]+$`)

// shellQuote makes one word of a shell of any text.
func shellQuote(text string) string {
	if bareWord.MatchString(text) {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}

// printable makes a text that others wrote fit for a terminal: it stays in its line, controls nothing, and does not turn
// the direction of writing.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsControl(r), r == '\u2028', r == '\u2029':
			return ' '
		case r == '\u200c', r == '\u200d': // within words and emoji
			return r
		case unicode.Is(unicode.Cf, r):
			return -1
		}
		return r
	}, text)
}
