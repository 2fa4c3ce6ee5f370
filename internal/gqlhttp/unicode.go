package gqlhttp

import (
	"bytes"
	"strconv"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// isUnicode reports whether JSON, or a GraphQL document, is Unicode: in UTF-8, and with no half of a surrogate pair among
// its escapes. Readers replace what is not by U+FFFD, and so would make one of two texts.
func isUnicode(text []byte) bool {
	if !utf8.Valid(text) {
		return false
	}
	for {
		at := bytes.IndexByte(text, '\\')
		if at < 0 || at+2 > len(text) {
			return true
		}
		text = text[at:]
		unit, ok := unescaped(text)
		if !ok {
			text = text[2:]
			continue
		}
		text = text[6:]
		if utf16.IsSurrogate(unit) {
			second, ok := unescaped(text)
			if !ok || utf16.DecodeRune(unit, second) == unicode.ReplacementChar {
				return false
			}
			text = text[6:]
		}
	}
}

// unescaped returns the unit of UTF-16 whose escape, \uXXXX, a text begins with.
func unescaped(text []byte) (unit rune, ok bool) {
	if len(text) < 6 || text[0] != '\\' || text[1] != 'u' {
		return 0, false
	}
	n, err := strconv.ParseUint(string(text[2:6]), 16, 16)
	return rune(n), err == nil
}
