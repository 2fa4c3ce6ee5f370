package gqldoc

import (
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/lexer"
)

// maxParens is how deep parentheses nest in GraphQL: a directive's arguments within definitions of variables.
const maxParens = 2

// scan looks at a document's tokens one by one, as far as the first limit. It keeps none, and neither judges nor repairs
// syntax: the parser does, within what scan has let through. It returns about how much memory the parsed document takes.
func scan(text string, limits *Limits) (bytes int, refused *gqlerror.Error) {
	if len(text) > limits.Bytes {
		return 0, (&LimitError{LimitBytes, limits.Bytes, len(text)}).refused()
	}
	if !utf8.ValidString(text) {
		return 0, badLiteral("The document is not UTF-8.", nil)
	}
	s := scanner{text: text, limits: limits, atDefinition: true}
	tokens := lexer.New(&ast.Source{Input: text})
	for n := 1; ; n++ {
		token, err := tokens.ReadToken()
		if err != nil {
			return 0, nil //nolint:nilerr // the parser meets it again, and says where
		}
		if token.Kind == lexer.EOF || s.lost {
			return bytesPerDocument + len(text) + n*bytesPerToken + s.inner*bytesPerInner, nil
		}
		if n > limits.Tokens {
			return 0, (&LimitError{Limit: LimitTokens, Max: limits.Tokens}).refused()
		}
		if s.parens > 0 {
			s.inner++
		}
		if refused := s.see(token); refused != nil {
			return 0, refused
		}
	}
}

// scanner knows where in a document's brackets it stands.
type scanner struct {
	text                           string
	runes, bytes                   int // an offset in the text, in both units
	limits                         *Limits
	aliases, operations, fragments int
	variables                      int  // that the operation defines
	variable                       bool // the token before is the name of one

	atDefinition bool   // the next token begins an operation or a fragment
	fields       []bool // the open braces outside parentheses: whether each is of a field, not of an inline fragment
	depth        int    // how many of these are
	inline       bool   // the next brace is of an inline fragment
	lost         bool   // it can't be GraphQL; the parser says why

	inner  int // tokens inside parentheses
	values int // open lists and objects inside parentheses, and list types
	parens int
	run    [maxParens + 1]directives // by parentheses
	last   lexer.Type
}

// directives is a run of directives at one place.
type directives struct {
	number int
	ended  bool // the token before may end one of them: its name or its parentheses
}

func (s *scanner) see(token lexer.Token) *gqlerror.Error {
	run := &s.run[s.parens]
	variable := s.variable
	s.variable = false
	wasEnd := run.ended
	run.ended = false
	var refused *gqlerror.Error
	switch token.Kind {
	case lexer.Comment:
		run.ended = wasEnd
		return nil
	case lexer.At:
		if !wasEnd {
			run.number = 0
		}
		if run.number++; run.number > s.limits.Directives {
			refused = (&LimitError{Limit: LimitDirectives, Max: s.limits.Directives}).refused()
		}
	case lexer.Name:
		run.ended = s.last == lexer.At
		s.variable = s.last == lexer.Dollar
		refused = s.name(token)
	case lexer.Spread:
		s.inline = true
	case lexer.Colon:
		if s.parens == 0 {
			if s.aliases++; s.aliases > s.limits.Aliases {
				refused = (&LimitError{Limit: LimitAliases, Max: s.limits.Aliases}).refused()
			}
		} else if variable { // is followed by its type
			if s.variables++; s.variables > s.limits.Variables {
				refused = (&LimitError{Limit: LimitVariables, Max: s.limits.Variables}).refused()
			}
		}
	case lexer.ParenL:
		if s.parens == maxParens {
			s.lost = true
			return nil
		}
		run.ended = wasEnd // as it was when they close
		s.parens++
		s.run[s.parens] = directives{}
	case lexer.ParenR:
		if s.parens == 0 {
			s.lost = true
			return nil
		}
		s.parens--
	case lexer.BraceL, lexer.BracketL:
		refused = s.open(token.Kind)
	case lexer.BraceR, lexer.BracketR:
		s.close()
	case lexer.String, lexer.BlockString:
		refused = s.checkText(token)
	}
	s.last = token.Kind
	return refused
}

// name counts operations and fragments, and tells a spread of a fragment from an inline fragment.
func (s *scanner) name(token lexer.Token) *gqlerror.Error {
	if len(token.Value) > maxNameBytes {
		return (&LimitError{LimitNameBytes, maxNameBytes, len(token.Value)}).refused()
	}
	if s.last == lexer.Spread && token.Value != "on" {
		s.inline = false
	}
	if !s.atDefinition {
		return nil
	}
	s.atDefinition = false
	s.variables = 0
	if token.Value != "fragment" {
		return s.operation()
	}
	if s.fragments++; s.fragments > s.limits.Fragments {
		return (&LimitError{Limit: LimitFragments, Max: s.limits.Fragments}).refused()
	}
	return nil
}

func (s *scanner) operation() *gqlerror.Error {
	if s.operations++; s.operations > s.limits.Operations {
		return (&LimitError{Limit: LimitOperations, Max: s.limits.Operations}).refused()
	}
	return nil
}

func (s *scanner) open(kind lexer.Type) *gqlerror.Error {
	if s.parens > 0 {
		if s.values++; s.values > s.limits.Depth {
			return (&LimitError{Limit: LimitDepth, Max: s.limits.Depth}).refused()
		}
		return nil
	}
	if kind == lexer.BracketL {
		s.lost = true
		return nil
	}
	if s.atDefinition {
		s.atDefinition = false
		if refused := s.operation(); refused != nil {
			return refused
		}
	}
	s.fields = append(s.fields, !s.inline)
	if !s.inline {
		s.depth++
	}
	s.inline = false
	if s.depth > s.limits.Depth || len(s.fields)-s.depth > s.limits.Depth {
		return (&LimitError{Limit: LimitDepth, Max: s.limits.Depth}).refused()
	}
	return nil
}

func (s *scanner) close() {
	switch n := len(s.fields); {
	case s.parens > 0:
		s.values--
	case n == 0:
		s.lost = true
	default:
		if s.fields[n-1] {
			s.depth--
		}
		s.fields = s.fields[:n-1]
		s.atDefinition = n == 1
	}
}

// checkText refuses a string with NUL, which Postgres can't store, or with the escape of half a surrogate pair, which the
// lexer has replaced by U+FFFD.
func (s *scanner) checkText(token lexer.Token) *gqlerror.Error {
	if strings.IndexByte(token.Value, 0) >= 0 {
		return badLiteral(nulMessage, &token.Pos)
	}
	if token.Kind == lexer.String && strings.ContainsRune(token.Value, utf8.RuneError) {
		start := s.offset(token.Pos.Start)
		if escapesHalf(s.text[start:s.offset(token.Pos.End)]) {
			return badLiteral("A string escapes half of a surrogate pair.", &token.Pos)
		}
	}
	return nil
}

// offset returns in bytes an offset in runes, not before the last one.
func (s *scanner) offset(runes int) int {
	for ; s.runes < runes; s.runes++ {
		_, size := utf8.DecodeRuneInString(s.text[s.bytes:])
		s.bytes += size
	}
	return s.bytes
}

// escapesHalf reports whether \uXXXX in a string that the lexer has read stands for half of a surrogate pair.
func escapesHalf(literal string) bool {
	for {
		at := strings.IndexByte(literal, '\\')
		if at < 0 || at+2 > len(literal) {
			return false
		}
		literal = literal[at:]
		unit, ok := unescaped(literal)
		if !ok {
			literal = literal[2:]
			continue
		}
		literal = literal[6:]
		if utf16.IsSurrogate(unit) {
			second, ok := unescaped(literal)
			if !ok || utf16.DecodeRune(unit, second) == utf8.RuneError {
				return true
			}
			literal = literal[6:]
		}
	}
}

// unescaped returns the unit of UTF-16 whose escape, \uXXXX, a text begins with.
func unescaped(text string) (unit rune, ok bool) {
	if len(text) < 6 || text[0] != '\\' || text[1] != 'u' {
		return 0, false
	}
	for _, digit := range []byte(text[2:6]) {
		unit <<= 4
		switch {
		case '0' <= digit && digit <= '9':
			unit |= rune(digit - '0')
		case 'a' <= digit|0x20 && digit|0x20 <= 'f':
			unit |= rune(digit|0x20-'a') + 10
		default:
			return 0, false
		}
	}
	return unit, true
}
