package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"linkspan/internal/load"
	"linkspan/internal/server"
)

// tokenTTL is how long the tokens are good for: longer than any run.
const tokenTTL = 24 * time.Hour

// commonFlags are the settings that all commands have.
type commonFlags struct {
	URL         string   `name:"url" default:"http://127.0.0.1:8080/graphql" env:"LINKSPAN_URL" help:"Where requests go: a server on this machine."`
	Operations  string   `default:"clients/operations.graphql" env:"LOADGEN_OPERATIONS" placeholder:"FILE" help:"The file that has the operations."`
	Channel     []string `env:"LOADGEN_CHANNEL" placeholder:"ID" help:"What {{channel}} stands for; of several one at random."`
	As          []string `env:"LOADGEN_AS" placeholder:"USER@GROUP" help:"Who asks: user-1@group and so on, of several groups in turn. Default: nobody is signed in."`
	Data        string   `default:".linkspan" env:"LINKSPAN_DATA" help:"Where the dev server's data is: its key signs the tokens, unless LINKSPAN_JWT_SECRET does."`
	PID         int      `name:"pid" env:"LOADGEN_PID" placeholder:"PROCESS" help:"The server's process, whose CPU and memory are read. Default: whoever listens at the URL."`
	PostgresPID []int    `name:"postgres-pid" env:"LOADGEN_POSTGRES_PID" placeholder:"PROCESS" help:"Postmasters whose CPU is read, with their backends."`
	JSON        bool     `name:"json" env:"LOADGEN_JSON" help:"Tell the result as JSON."`
}

// sendFlags are what is sent.
type sendFlags struct {
	Method    string `default:"POST" enum:"POST,GET" env:"LOADGEN_METHOD" help:"POST or GET."`
	Operation string `default:"PostMessage" env:"LOADGEN_OPERATION" placeholder:"NAME" help:"Which operation is sent."`
	Variables string `default:"{\"input\":{\"channelId\":\"{{channel}}\",\"body\":\"{{mark}} message {{n}} of {{writer}}\"}}" env:"LOADGEN_VARIABLES" placeholder:"JSON" help:"Its variables. Default: a message to {{channel}}."`
	Body      string `env:"LOADGEN_BODY" placeholder:"TEXT" help:"A body to send instead of an operation; @FILE reads it."`
	Want      string `default:"\"message\":{\"id\"" env:"LOADGEN_WANT" placeholder:"TEXT" help:"What a good answer has in it, beside a status of 2xx."`
}

// placesHelp says what stands for what.
const placesHelp = `In the URL's path, the variables and the body stand

  {{mark}}     for a mark by which subscribers know the message
  {{channel}}  for one of the channels, at random
  {{n}}        for the number of the connection's message
  {{writer}}   for the number of the connection`

// call is what is sent, by that many connections.
func (f commonFlags) call(send sendFlags, connections int) (call load.Call, err error) {
	call = load.Call{URL: f.URL, Method: send.Method, Want: send.Want, Channels: f.Channel}
	switch path, isFile := strings.CutPrefix(send.Body, "@"); {
	case isFile:
		text, err := os.ReadFile(path)
		if err != nil {
			return call, err
		}
		call.Body = string(text)
	case send.Body != "":
		call.Body = send.Body
	case send.Method == http.MethodPost:
		if call.Body, err = f.operation(send.Operation, send.Variables); err != nil {
			return call, err
		}
	}
	call.Tokens, err = f.tokens(connections)
	return call, err
}

func (f commonFlags) operation(name, variables string) (string, error) {
	operations, err := load.ReadOperations(f.Operations)
	if err != nil {
		return "", err
	}
	parsed, err := variablesOf(variables)
	if err != nil {
		return "", err
	}
	return operations.Body(name, parsed)
}

func variablesOf(text string) (parsed map[string]any, err error) {
	if err := json.Unmarshal([]byte(text), &parsed); err != nil {
		return nil, fmt.Errorf("the variables are no JSON object: %w", err)
	}
	return parsed, nil
}

// tokens signs those of that many users of the groups, in turn; none where nobody is named.
func (f commonFlags) tokens(count int) ([]string, error) {
	if len(f.As) == 0 {
		return nil, nil
	}
	secret := []byte(os.Getenv("LINKSPAN_JWT_SECRET"))
	if len(secret) == 0 {
		key, err := os.ReadFile(filepath.Join(f.Data, "dev.key"))
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("there is no dev data in %s: set LINKSPAN_DATA, or LINKSPAN_JWT_SECRET", f.Data)
		}
		if err != nil {
			return nil, fmt.Errorf("the dev server's key can't be read: %w", err)
		}
		secret = []byte(strings.TrimSpace(string(key)))
	}
	all := make([]string, count)
	for i := range all {
		user, group, ok := strings.Cut(f.As[i%len(f.As)], "@")
		if !ok {
			return nil, fmt.Errorf("%q is not USER@GROUP, as in ana@acme", f.As[i%len(f.As)])
		}
		claims := server.Claims{Group: group, Role: server.RoleMember}
		claims.Subject = user + "-" + strconv.Itoa(i+1)
		var err error
		if all[i], err = server.SignToken(secret, claims, tokenTTL); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// processes are those whose CPU is read.
func (f commonFlags) processes() (load.Processes, error) {
	found := load.Processes{Server: f.PID, Postgres: f.PostgresPID}
	if f.PID != 0 {
		return found, nil
	}
	scheme, rest, _ := strings.Cut(f.URL, "://")
	host, _, _ := strings.Cut(rest, "/") // the path may have {{}}
	u, err := load.Loopback((&url.URL{Scheme: scheme, Host: host}).String(), "http")
	if err != nil {
		return found, err
	}
	port, err := strconv.Atoi(u.Port())
	if err == nil {
		found.Server, err = load.Listener(port)
	}
	return found, err
}
