package channel

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/forPelevin/gomoji"
	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

const (
	// MaxNameRunes is the greatest length of a name, in code points after NFC and trim.
	MaxNameRunes = 80
	// MaxTextRunes is the greatest length of a topic, note or reason, in code points after NFC.
	MaxTextRunes = 560
)

// cleanName returns a name as it is kept: NFC, trimmed, 1 to 80 code points, with something to see in it and no
// control characters. The refusal names the field.
func cleanName(name, field string) (string, error) {
	name = strings.TrimSpace(norm.NFC.String(name))
	switch n := utf8.RuneCountInString(name); {
	case n == 0 || strings.IndexFunc(name, visible) < 0:
		return "", invalidInput("A name must have something to see in it.", field)
	case n > MaxNameRunes:
		return "", invalidInput("A name has at most 80 characters.", field)
	case strings.IndexFunc(name, control) >= 0:
		return "", invalidInput("A name is one line without control characters.", field)
	}
	return name, nil
}

// ShownName returns what users of other groups are shown of a user: the name, if cleanName takes it; else the fallback, NFC,
// with U+FFFD for each code point that must not be in a name, and for all of them if there is nothing to see.
func ShownName(name, fallback string) string {
	if clean, err := cleanName(name, "name"); err == nil && utf8.ValidString(name) {
		return clean
	}
	replaced := func(which func(rune) bool) func(rune) rune {
		return func(r rune) rune {
			if which(r) {
				return unicode.ReplacementChar
			}
			return r
		}
	}
	shown := strings.Map(replaced(control), norm.NFC.String(strings.ToValidUTF8(fallback, string(unicode.ReplacementChar))))
	if strings.IndexFunc(shown, visible) < 0 {
		shown = strings.Map(replaced(func(rune) bool { return true }), shown)
	}
	return shown
}

// visible tells what leaves a mark: letters, numbers, punctuation and symbols, but for the fillers that Unicode counts
// among them though nothing is drawn (Other_Default_Ignorable_Code_Point) and the blank Braille pattern.
func visible(r rune) bool {
	return unicode.In(r, unicode.L, unicode.N, unicode.P, unicode.S) &&
		!unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r) && r != '\u2800'
}

// control tells what would break a line or turn the text around it: Cc, the line and paragraph separators and the
// bidirectional overrides and isolates (UAX #9). Right-to-left letters and marks are welcome.
func control(r rune) bool {
	return unicode.Is(unicode.Cc, r) || r == '\u2028' || r == '\u2029' ||
		(r >= '\u202a' && r <= '\u202e') || (r >= '\u2066' && r <= '\u2069')
}

// cleanText returns an optional text as it is kept: NFC, at most 560 code points, nil where there is none.
func cleanText(text *string, field string) (*string, error) {
	if text == nil || *text == "" {
		return nil, nil
	}
	clean := norm.NFC.String(*text)
	if utf8.RuneCountInString(clean) > MaxTextRunes {
		return nil, invalidInput("At most 560 characters.", field)
	}
	return &clean, nil
}

const (
	presentation  = "\uFE0F" // the variation selector that asks for an emoji where a character can be text as well
	keycap        = '\u20E3'
	firstSkinTone = '\U0001F3FB'
	lastSkinTone  = '\U0001F3FF'
)

// emojiOf returns a text that is one emoji, however many code points that takes, in its fullest spelling, so that with and
// without variation selectors it is one; "" for any other text.
func emojiOf(text string) string {
	if !isEmoji(text) {
		return ""
	}
	var full strings.Builder
	runes := []rune(strings.ReplaceAll(text, presentation, ""))
	for i, r := range runes {
		full.WriteRune(r)
		var next rune
		if i+1 < len(runes) {
			next = runes[i+1]
		}
		if next == keycap || isEmoji(string(r)+presentation) && (next < firstSkinTone || next > lastSkinTone) {
			full.WriteString(presentation)
		}
	}
	if emoji := full.String(); isEmoji(emoji) {
		return emoji
	}
	return text // which has one spelling
}

// isEmoji reports whether a text is a spelling of one emoji that is known.
func isEmoji(text string) bool {
	_, err := gomoji.GetInfo(text)
	return err == nil
}

// NameKey returns what must be unique among the names of a group's live channels: NFC and case-folded, so that names
// that look the same are the same.
func NameKey(name string) string {
	folded := cases.Fold().String(norm.NFC.String(name))
	return norm.NFC.String(strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Cherokee, r) { // whose capitals and small letters cases.Fold makes each other
			return unicode.ToLower(r)
		}
		return r
	}, folded))
}

// numbered returns the n-th alternative to a name that is taken ("launch 2" …), within MaxNameRunes.
func numbered(name string, n int) string {
	suffix := " " + strconv.Itoa(n)
	runes := []rune(name)
	if room := MaxNameRunes - len(suffix); len(runes) > room {
		runes = runes[:room]
	}
	return norm.NFC.String(strings.TrimSpace(string(runes)) + suffix)
}
