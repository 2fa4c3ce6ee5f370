package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files")

// golden compares with a file of testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-update writes it): %s", path, diff)
	}
}

// received is an invitation as a server sends it, changed by the replacements.
func received(replacements ...string) receivedInvitation {
	return receivedInvitation{
		Cursor: "EQEBogqN-g94C5Zf", At: json.RawMessage(`"2026-11-23T21:18:00.123456Z"`),
		Invitation: json.RawMessage(strings.NewReplacer(replacements...).Replace(`{
			"id": "inv_06h0n8", "state": "PENDING", "version": 1, "note": "Shall we plan it?\nIt's <soon> & \"big\"…", "reason": null,
			"fromGroup": {"id": "grp_a", "handle": "acme", "name": "Acme"},
			"toGroup": {"id": "grp_g", "handle": "globex", "name": "Globex"},
			"sentBy": {"__typename": "User", "id": "usr_a", "name": "Ana", "group": {"id": "grp_a", "handle": "acme", "name": "Acme"}},
			"resolvedBy": null, "createdAt": "2026-11-23T21:18:00.123456Z", "expiresAt": "2026-12-07T21:18:00.123456Z", "resolvedAt": null,
			"proposedName": "launch", "sharedChannel": null,
			"viewerCanAccept": true, "viewerCanDecline": true, "viewerCanRevoke": false
		}`)),
	}
}

func TestListenWritesALineOfJSON(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if err := showJSON(&out, received()); err != nil {
		t.Fatal(err)
	}
	golden(t, "listen_line.golden", out.String())
	if lines := strings.Count(out.String(), "\n"); lines != 1 {
		t.Errorf("%d lines", lines)
	}
}

func TestListenWritesASentence(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	for _, r := range []receivedInvitation{
		received(),
		received(`"viewerCanAccept": true`, `"viewerCanAccept": false`, `"note": "Shall we plan it?\nIt's <soon> & \"big\"…"`, `"note": null`),
		received(`"PENDING"`, `"ACCEPTED"`, `"viewerCanAccept": true`, `"viewerCanAccept": false`),
		received(`"PENDING"`, `"AWAITING_APPROVAL"`, `"viewerCanAccept": true`, `"viewerCanAccept": false`),
		received(`"launch"`, `"\u001b[31m\u202egnp.hcnual 打ち上げ"`, `"Ana"`, `"A\rna\u0007"`, `inv_06h0n8`, `it's $HOME`),
	} {
		if err := showSentence(&out, r, "http://127.0.0.1:8080/graphql", time.FixedZone("CET", 3600)); err != nil {
			t.Fatal(err)
		}
	}
	golden(t, "listen_sentence.golden", out.String())
}

func TestAcceptCommandIsWhatAShellMustRun(t *testing.T) {
	t.Parallel()
	const id = `it's "$HOME" \ !`
	command, err := acceptCommand("http://127.0.0.1:8080/graphql?a=b&c", id)
	if err != nil {
		t.Fatal(err)
	}
	shell := exec.Command("sh", "-c", "curl() { printf '%s\\0' \"$@\"; }\n"+command)
	shell.Env = []string{"LINKSPAN_TOKEN=the token"}
	ran, err := shell.Output()
	if err != nil {
		t.Fatal(err)
	}
	args := strings.Split(strings.TrimSuffix(string(ran), "\x00"), "\x00")
	body, err := json.Marshal(map[string]any{"query": listenAccept, "variables": map[string]any{"input": map[string]any{"invitationId": id}}})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"-s", "http://127.0.0.1:8080/graphql?a=b&c", "-w", `\n`,
		"-H", "Content-Type: application/json", "-H", "Authorization: Bearer the token", "-d", string(body),
	}
	if diff := cmp.Diff(want, args); diff != "" {
		t.Error(diff)
	}
}
