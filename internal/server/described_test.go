package server_test

import (
	"strings"
	"testing"

	"linkspan/internal/server/servertest"
)

// TestSchemaIsDescribed asks the schema, as tools do, for a description of each thing that it has.
func TestSchemaIsDescribed(t *testing.T) {
	t.Parallel()
	s := servertest.New(t, servertest.Options{})
	data := s.Must("", `{ __schema { types { name description
		fields { name description args { name description } }
		inputFields { name description }
		enumValues { name description } } } }`, nil)
	seen := 0
	var walk func(of string, thing object)
	walk = func(of string, thing object) {
		name := strings.TrimPrefix(of+"."+servertest.Get[string](t, thing, "name"), ".")
		if strings.HasPrefix(name, "__") {
			return
		}
		seen++
		if text, _ := thing["description"].(string); strings.TrimSpace(text) == "" {
			t.Errorf("%s is not described", name)
		}
		for _, parts := range []string{"fields", "args", "inputFields", "enumValues"} {
			list, _ := thing[parts].([]any)
			for _, part := range list {
				walk(name, part.(object))
			}
		}
	}
	for _, typ := range servertest.Get[[]any](t, data, "__schema", "types") {
		walk("", typ.(object))
	}
	if seen < 200 {
		t.Errorf("the schema has %d things: not all were seen", seen)
	}
}
