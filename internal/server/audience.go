package server

import (
	"context"
	"crypto/sha256"
	"encoding/json"

	"github.com/99designs/gqlgen/graphql"

	"linkspan/graph"
	"linkspan/internal/channel"
	"linkspan/internal/gqldoc"
)

// perViewer is the schema's directive for what depends on the one user who reads.
const perViewer = "perViewer"

// ofOneUser are its marks.
var ofOneUser = gqldoc.NewMarks(graph.NewExecutableSchema(graph.Config{}).Schema(), perViewer)

// audience names those who get the same answers to a subscription: the users of a group with the same role who ask for the same,
// wherever they begin, in one field, and for nothing that depends on the one user. It runs for them all as nobody in particular, so that
// what would tell of one user tells of nobody.
func audience(ctx context.Context, operation *graphql.OperationContext) (string, context.Context) {
	viewer := channel.ViewerFrom(ctx)
	root := gqldoc.RootField(operation.Operation.SelectionSet)
	if viewer == nil || viewer.Operator || root == nil || ofOneUser.In(operation.Operation) {
		return "", ctx
	}
	begin := gqldoc.OnlyAt(operation.Operation, "after")
	variables := make(map[string]any, len(operation.Variables))
	for name, value := range operation.Variables {
		if name != begin {
			variables[name] = value
		}
	}
	asked, err := json.Marshal([]any{viewer.Group.ID.String(), viewer.Role, operation.RawQuery, operation.OperationName, variables})
	if err != nil { // no variable is of such a type; then it is for this subscriber alone
		return "", ctx
	}
	key := sha256.Sum256(asked)
	anyone := viewer.Anyone()
	if root.Name == "channelEvents" { // it tells of nothing that its subscribers see apart from that channel
		anyone = viewer.AnyoneIn()
	}
	return string(key[:]), channel.WithViewer(ctx, anyone)
}
