package gqldoc

import (
	"slices"

	"github.com/99designs/gqlgen/graphql/errcode"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// ValueError is the error of a value, in a document or in a variable, that is not of its type. It is wrapped in a
// *gqlerror.Error: one of a variable has a path and no location, one of a literal a location and no path. The text is
// fit for clients and does not repeat the value.
type ValueError struct{ Message string }

func (e *ValueError) Error() string { return e.Message }

const nulMessage = "A string must not contain the NUL character."

// badLiteral is the error of a literal.
func badLiteral(message string, at *ast.Position) *gqlerror.Error {
	err := located(message, at)
	err.Err = &ValueError{message}
	errcode.Set(err, errcode.ValidationFailed)
	return err
}

// badVariable is the error of the value of a variable. Its path leads from "variable" to the place within the value.
func badVariable(name string, p *problem) *gqlerror.Error {
	path := ast.Path{ast.PathName("variable"), ast.PathName(name)}
	for _, step := range slices.Backward(p.path) {
		path = append(path, step)
	}
	if p.limit != nil {
		err := p.limit.refused()
		err.Path = path
		return err
	}
	value := &ValueError{"Variable $" + path[1:].String() + ": " + p.message}
	err := &gqlerror.Error{Err: value, Message: value.Message, Path: path}
	errcode.Set(err, errcode.ValidationFailed)
	return err
}
