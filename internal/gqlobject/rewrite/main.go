// Command rewrite has code that gqlgen generated make objects by package gqlobject:
//
//	rewrite FILE WRITTEN LISTED...
//
// What is a field of its object, or a method that can't fail, and has nothing below it that would have to be waited for or could fail
// either, is marshalled without a context of its own, which nothing would ask for: field interceptors are not told of it, and an error of
// it would stand at its object. A field that is a list has one, as its elements have places below it. Lists of the types LISTED are made in turn: their elements must have nothing to wait for but what is read
// for all of them at once. What selections come to is asked of package gqlobject, which remembers it. An object of the type WRITTEN, which has a field
// Written, is written once for all who select the same of it.
package main

import (
	"errors"
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"os"
	"slices"
	"strings"
)

func main() {
	if len(os.Args) < 3 {
		fail(errors.New("usage: rewrite FILE WRITTEN LISTED…"))
	}
	name := os.Args[1]
	source, err := os.ReadFile(name)
	if err != nil {
		fail(err)
	}
	rewritten, err := rewrite(source, os.Args[2], os.Args[3:])
	if err != nil {
		fail(err)
	}
	if err := os.WriteFile(name, rewritten, 0o644); err != nil {
		fail(err)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "rewrite:", err)
	os.Exit(1)
}

const gqlobject = `"linkspan/internal/gqlobject"`

// rewrite returns the source of the file, rewritten.
func rewrite(source []byte, written string, listed []string) ([]byte, error) {
	r := &rewriter{
		source: source, set: token.NewFileSet(), scalars: map[string]bool{}, ready: map[string]leaf{}, below: map[string][]string{}, leaves: map[string]leaf{},
	}
	file, err := parser.ParseFile(r.set, "", source, parser.ParseComments)
	if err != nil {
		return nil, err
	}
	for _, of := range functions(file) {
		r.findScalar(of)
	}
	for _, of := range functions(file) {
		r.findReady(of)
		r.findBelow(of)
	}
	for field := range r.ready {
		if r.isLeaf(field, nil) {
			r.leaves[field] = r.ready[field]
		}
	}
	for _, of := range functions(file) {
		r.rewriteObject(of)
		r.rewriteList(of, listed)
		r.rewriteAnswer(of)
		r.rewriteWritten(of, written)
	}
	if len(r.leaves) == 0 || r.objects == 0 || r.lists == 0 || r.answers == 0 || r.selections == 0 || r.written == 0 {
		return nil, fmt.Errorf("found %d leaves, %d objects, %d lists, %d answers, %d selections, %d to write once: gqlgen's code looks otherwise now",
			len(r.leaves), r.objects, r.lists, r.answers, r.selections, r.written)
	}
	first := file.Imports[0].Pos()
	r.replace(first, first, gqlobject+"\n")
	return format.Source(r.edited())
}

func functions(file *ast.File) (all []*ast.FuncDecl) {
	for _, declaration := range file.Decls {
		if of, ok := declaration.(*ast.FuncDecl); ok && of.Recv != nil && of.Body != nil {
			all = append(all, of)
		}
	}
	return all
}

type rewriter struct {
	source         []byte
	set            *token.FileSet
	scalars        map[string]bool     // fields of scalars and enums, as in Message_id
	ready          map[string]leaf     // fields that an object has, or that a method of it returns without an error
	below          map[string][]string // by type its fields, where each is made at once, and by interface its types
	leaves         map[string]leaf
	objects, lists int
	answers        int
	selections     int
	written        int
	edits          []edit
}

// leaf is how a field is marshalled that is there already.
type leaf struct{ marshal, value string }

type edit struct {
	from, to int
	text     string
}

// findScalar notes a field of a scalar: gqlgen makes its context by NewScalarFieldContext.
func (r *rewriter) findScalar(of *ast.FuncDecl) {
	field, ok := strings.CutPrefix(of.Name.Name, "fieldContext_")
	if call := returned(of.Body); ok && call != nil && r.text(call.Fun) == "graphql.NewScalarFieldContext" {
		r.scalars[field] = true
	}
}

// findReady notes a field that an object has, or that a method of it returns without an error.
func (r *rewriter) findReady(of *ast.FuncDecl) {
	field := strings.TrimPrefix(of.Name.Name, "_")
	call := returned(of.Body)
	if call == nil || r.text(call.Fun) != "graphql.ResolveField" || len(call.Args) != 9 || r.text(call.Args[5]) != "nil" {
		return
	}
	resolve, marshal := call.Args[4].(*ast.FuncLit), call.Args[6].(*ast.FuncLit)
	given, ok := resolve.Body.List[0].(*ast.ReturnStmt)
	if !ok || len(given.Results) != 2 || r.text(given.Results[1]) != "nil" || !strings.HasPrefix(r.text(given.Results[0]), "obj.") {
		return
	}
	if by := returned(marshal.Body); by != nil {
		r.ready[field] = leaf{r.text(by.Fun), r.text(given.Results[0])}
	}
}

// findBelow notes the fields of a type that has none to wait for, or the types of an interface, by the function that makes one.
func (r *rewriter) findBelow(of *ast.FuncDecl) {
	name, ok := strings.CutPrefix(of.Name.Name, "_")
	if !ok || strings.Contains(name, "_") {
		return
	}
	below, waits := []string{}, false
	ast.Inspect(of.Body, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		by := r.text(call.Fun)
		if field, ok := strings.CutPrefix(by, "ec._"); ok {
			below = append(below, field)
		}
		waits = waits || by == "out.Concurrently" || by == "out.ResolveConcurrently"
		return true
	})
	if !waits && len(below) > 0 {
		r.below[name] = below
	}
}

// isLeaf reports whether a field of a type can be marshalled at once: it is no list, is there, and so is all that is below it. Above are the types
// that it is in.
func (r *rewriter) isLeaf(field string, above []string) bool {
	ready, ok := r.ready[field]
	if !ok || r.scalars[field] {
		return ok
	}
	name, bound, ok := strings.Cut(strings.TrimPrefix(ready.marshal, "ec.marshal"), "2")
	if !ok || strings.HasPrefix(bound, "ᚕ") { // the elements of a list have places below the field's, which is what its context is for
		return false
	}
	return r.isSettled(name[1:], above) // behind N or O: never null, or perhaps
}

// isSettled reports whether all fields of a type, or of each type of an interface, can be marshalled at once.
func (r *rewriter) isSettled(name string, above []string) bool {
	below, ok := r.below[name]
	if !ok || slices.Contains(above, name) {
		return false
	}
	above = append(slices.Clone(above), name)
	return !slices.ContainsFunc(below, func(part string) bool {
		if strings.Contains(part, "_") {
			return !r.isLeaf(part, above)
		}
		return !r.isSettled(part, above)
	})
}

// rewriteObject rewrites a function that makes an object.
func (r *rewriter) rewriteObject(of *ast.FuncDecl) {
	object := false
	ast.Inspect(of.Body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.AssignStmt:
			call, ok := n.Rhs[0].(*ast.CallExpr)
			if !ok {
				return true
			}
			switch by := r.text(call.Fun); {
			case by == "graphql.CollectFields":
				r.selections++
				r.replace(call.Pos(), call.Args[0].Pos(), "gqlobject.Fields(ctx, ")
			case by == "graphql.NewFieldSet":
				object = true
				r.objects++
			case by == "graphql.NewDeferredGroup":
				r.replace(call.Pos(), call.End(), "gqlobject.Deferred(ctx, fields)")
			case r.text(n.Lhs[0]) == "out.Values[i]":
				field, _ := strings.CutPrefix(by, "ec._")
				if leaf, ok := r.leaves[field]; ok {
					r.replace(call.Pos(), call.End(), leaf.marshal+"(ctx, field.Selections, "+leaf.value+")")
				}
			}
		case *ast.ReturnStmt:
			if object && len(n.Results) == 1 && r.text(n.Results[0]) == "out" {
				r.replace(n.Results[0].Pos(), n.Results[0].End(), "gqlobject.Object{Fields: fields, Values: out.Values}")
			}
		}
		return true
	})
}

// rewriteList rewrites a function that makes a list of one of those types.
func (r *rewriter) rewriteList(of *ast.FuncDecl, listed []string) {
	name, isList := strings.CutPrefix(of.Name.Name, "marshal")
	kind, _, bound := strings.Cut(name, "2ᚕ")
	if !isList || !bound || !slices.Contains(listed, kind[1:]) { // behind N or O: never null, or perhaps
		return
	}
	ast.Inspect(of.Body, func(n ast.Node) bool {
		if call, ok := n.(*ast.CallExpr); ok && r.text(call.Fun) == "graphql.MarshalSliceConcurrently" {
			r.lists++
			r.replace(call.Fun.Pos(), call.Fun.End(), "gqlobject.List")
			r.replace(call.Args[2].Pos(), call.Args[4].Pos(), "") // limit of workers, whether panics are left alone
		}
		return true
	})
}

// rewriteAnswer rewrites what the answers of queries and mutations are written into: a buffer that is declared where it is filled.
// That of a subscription is used for each event anew.
func (r *rewriter) rewriteAnswer(of *ast.FuncDecl) {
	ast.Inspect(of.Body, func(n ast.Node) bool {
		block, ok := n.(*ast.BlockStmt)
		if !ok {
			return true
		}
		for i, statement := range block.List[:max(0, len(block.List)-1)] {
			if r.text(statement) == "var buf bytes.Buffer" && r.text(block.List[i+1]) == "data.MarshalGQL(&buf)" {
				r.answers++
				r.replace(statement.Pos(), statement.End(), "var buf gqlobject.Answer")
			}
		}
		return true
	})
}

// rewriteWritten rewrites a function that makes an object of that type where there is one.
func (r *rewriter) rewriteWritten(of *ast.FuncDecl, written string) {
	kind, _, bound := strings.Cut(strings.TrimPrefix(of.Name.Name, "marshal"), "2")
	if !bound || kind[1:] != written { // behind N or O: never null, or perhaps
		return
	}
	end, ok := of.Body.List[len(of.Body.List)-1].(*ast.ReturnStmt)
	if made := "ec._" + written + "(ctx, sel, v)"; ok && r.text(end.Results[0]) == made {
		r.written++
		r.replace(end.Results[0].Pos(), end.Results[0].End(),
			"gqlobject.Written(ctx, sel, v.Written, func(ctx context.Context) graphql.Marshaler { return "+made+" })")
	}
}

// returned is the call whose result a function returns, if it does nothing else.
func returned(body *ast.BlockStmt) *ast.CallExpr {
	if len(body.List) != 1 {
		return nil
	}
	end, ok := body.List[0].(*ast.ReturnStmt)
	if !ok || len(end.Results) != 1 {
		return nil
	}
	call, _ := end.Results[0].(*ast.CallExpr)
	return call
}

func (r *rewriter) text(n ast.Node) string {
	return string(r.source[r.set.Position(n.Pos()).Offset:r.set.Position(n.End()).Offset])
}

func (r *rewriter) replace(from, to token.Pos, text string) {
	r.edits = append(r.edits, edit{r.set.Position(from).Offset, r.set.Position(to).Offset, text})
}

// edited returns the source with all edits, which don't overlap.
func (r *rewriter) edited() (text []byte) {
	slices.SortFunc(r.edits, func(a, b edit) int { return a.from - b.from })
	at := 0
	for _, e := range r.edits {
		text = append(append(text, r.source[at:e.from]...), e.text...)
		at = e.to
	}
	return append(text, r.source[at:]...)
}
