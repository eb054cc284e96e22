package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"sort"
	"strconv"
	"sync/atomic"
	"time"
)

type server struct {
	host     string
	version  string
	started  time.Time
	readyIn  time.Duration
	draining atomic.Bool
}

func newServer() *server {
	host, _ := os.Hostname()
	return &server{
		host:    host,
		version: text("VERSION", "0"),
		started: time.Now(),
		readyIn: milliseconds(number("READY_AFTER", 0)),
	}
}

func (s *server) handler() http.Handler {
	routes := http.NewServeMux()
	routes.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, "%s version %s\n", s.host, s.version)
	})
	routes.HandleFunc("/healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	routes.HandleFunc("/readyz", s.ready)
	routes.HandleFunc("/crash", crash)
	routes.HandleFunc("/env", environment)
	routes.HandleFunc("/resolve", resolve)
	routes.HandleFunc("/fetch", fetch)
	routes.HandleFunc("/eat", func(w http.ResponseWriter, r *http.Request) {
		count, _ := strconv.Atoi(r.URL.Query().Get("mib"))
		eat(count)
		fmt.Fprintln(w, "ok")
	})
	return routes
}

func (s *server) ready(w http.ResponseWriter, _ *http.Request) {
	if s.draining.Load() || time.Since(s.started) < s.readyIn {
		http.Error(w, "not ready", http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintln(w, "ready")
}

// crash ends the program at once with `code` (1).
func crash(_ http.ResponseWriter, r *http.Request) {
	code, err := strconv.Atoi(r.URL.Query().Get("code"))
	if err != nil {
		code = 1
	}
	fmt.Fprintf(os.Stderr, "crashing with %d, as asked\n", code)
	os.Exit(code)
}

func environment(w http.ResponseWriter, _ *http.Request) {
	lines := os.Environ()
	sort.Strings(lines)
	for _, line := range lines {
		fmt.Fprintln(w, line)
	}
}

// resolve looks up `name` as this container does: its addresses as a sorted JSON list, with `type=srv` its targets as `name:port`.
func resolve(w http.ResponseWriter, r *http.Request) {
	limited, cancel := context.WithTimeout(r.Context(), 5*time.Second)
	defer cancel()
	answers, err := lookup(limited, r.URL.Query().Get("name"), r.URL.Query().Get("type"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusNotFound)
		return
	}
	sort.Strings(answers)
	w.Header().Set("content-type", "application/json")
	json.NewEncoder(w).Encode(answers)
}

func lookup(ctx context.Context, name, kind string) ([]string, error) {
	if kind != "srv" {
		return net.DefaultResolver.LookupHost(ctx, name)
	}
	_, records, err := net.DefaultResolver.LookupSRV(ctx, "", "", name)
	answers := []string{}
	for _, record := range records {
		answers = append(answers, net.JoinHostPort(record.Target, strconv.Itoa(int(record.Port))))
	}
	return answers, err
}

// fetch gets `url` from inside this container and passes status and body on; 502 when it cannot be reached.
func fetch(w http.ResponseWriter, r *http.Request) {
	client := http.Client{Timeout: 5 * time.Second}
	response, err := client.Get(r.URL.Query().Get("url"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer response.Body.Close()
	w.WriteHeader(response.StatusCode)
	io.Copy(w, io.LimitReader(response.Body, 1<<20))
}

var eaten [][]byte

// eat allocates and touches so many MiB, and never gives them back.
func eat(mib int) {
	for i := 0; i < mib; i++ {
		block := make([]byte, 1<<20)
		for at := 0; at < len(block); at += 4096 {
			block[at] = 1
		}
		eaten = append(eaten, block)
	}
}
