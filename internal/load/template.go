package load

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"strconv"
)

// template is a text with places that are filled anew for each request: {{mark}}, {{n}} (the writer's number of it),
// {{writer}} (which connection, from 1) and {{channel}} (one of those given, at random).
type template struct {
	literals []string // one more than places
	places   []string
	channels []string
}

var place = regexp.MustCompile(`\{\{(\w*)\}\}`)

func parseTemplate(text string, channels []string) (t template, err error) {
	t.channels = channels
	end := 0
	for _, at := range place.FindAllStringSubmatchIndex(text, -1) {
		name := text[at[2]:at[3]]
		switch name {
		case "mark", "n", "writer":
		case "channel":
			if len(channels) == 0 {
				return t, fmt.Errorf("load: {{channel}} stands in %.60q, and no channel is given", text)
			}
		default:
			return t, fmt.Errorf("load: {{%s}} means nothing: there are {{mark}}, {{n}}, {{writer}} and {{channel}}", name)
		}
		t.literals, t.places = append(t.literals, text[end:at[0]]), append(t.places, name)
		end = at[1]
	}
	t.literals = append(t.literals, text[end:])
	return t, nil
}

// append fills the template for a message.
func (t template) append(to []byte, m mark) []byte {
	for i, literal := range t.literals {
		to = append(to, literal...)
		if i == len(t.places) {
			break
		}
		switch t.places[i] {
		case "mark":
			to = m.append(to)
		case "n":
			to = strconv.AppendInt(to, int64(m.number), 10)
		case "writer":
			to = strconv.AppendInt(to, int64(m.writer), 10)
		case "channel":
			to = append(to, t.channels[rand.IntN(len(t.channels))]...)
		}
	}
	return to
}
