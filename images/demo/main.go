// The demo program: a small HTTP server that can be slow, crash, drain and refuse to stop, all by its environment.
// It is what the examples run and what the tests do their worst to.
//
//	PORT             listens there (8080)
//	READY_AFTER      /readyz answers 503 for so many milliseconds (0)
//	DRAIN            after SIGTERM it goes on serving for so many milliseconds, not ready (0)
//	IGNORE_SIGTERM   any value: only SIGKILL ends it
//	CRASH_AFTER      ends by itself after so many milliseconds, with EXIT_CODE (1)
//	EAT_MEMORY       allocates so many MiB at the start
//	VERSION          what it says its version is; set by the image
//
// `demo probe URL` is its own health probe: exit code 0 when URL answers 2xx. `demo exit N` ends with N. `demo echo WORDS` prints. `demo cat` gives its input back.
package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"
)

func main() {
	if len(os.Args) > 1 {
		os.Exit(command(os.Args[1], os.Args[2:]))
	}
	os.Exit(serve())
}

// command is what `docker exec` and health checks call.
func command(name string, args []string) int {
	switch {
	case name == "probe" && len(args) == 1:
		return probe(args[0])
	case name == "echo":
		fmt.Println(strings.Join(args, " "))
		return 0
	case name == "cat":
		if _, err := io.Copy(os.Stdout, os.Stdin); err != nil {
			return 1
		}
		return 0
	case name == "exit" && len(args) == 1:
		code, err := strconv.Atoi(args[0])
		if err != nil {
			break
		}
		return code
	}
	fmt.Fprintln(os.Stderr, "usage: demo | demo probe URL | demo echo WORDS | demo cat | demo exit CODE")
	return 2
}

func probe(url string) int {
	client := http.Client{Timeout: 2 * time.Second}
	response, err := client.Get(url)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer response.Body.Close()
	if response.StatusCode < 200 || response.StatusCode > 299 {
		fmt.Fprintln(os.Stderr, response.Status)
		return 1
	}
	return 0
}

// serve gives the exit code.
func serve() int {
	eat(number("EAT_MEMORY", 0))
	stopped := make(chan os.Signal, 1)
	signal.Notify(stopped, syscall.SIGTERM, syscall.SIGINT)
	failed := make(chan error, 1)
	server := newServer()
	go func() {
		failed <- http.ListenAndServe(":"+text("PORT", "8080"), server.handler())
	}()
	fmt.Printf("%s version %s listens on :%s\n", server.host, server.version, text("PORT", "8080"))
	var crash <-chan time.Time
	if after := number("CRASH_AFTER", -1); after >= 0 {
		crash = time.After(milliseconds(after))
	}
	for {
		select {
		case err := <-failed:
			fmt.Fprintln(os.Stderr, err)
			return 1
		case <-crash:
			fmt.Fprintln(os.Stderr, "crashing, as CRASH_AFTER says")
			return number("EXIT_CODE", 1)
		case <-stopped:
			if os.Getenv("IGNORE_SIGTERM") != "" {
				fmt.Println("ignoring SIGTERM")
				continue
			}
			server.draining.Store(true)
			fmt.Printf("draining for %d ms\n", number("DRAIN", 0))
			time.Sleep(milliseconds(number("DRAIN", 0)))
			fmt.Println("stopped")
			return 0
		}
	}
}

func text(name, otherwise string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return otherwise
}

// number ends the program where the variable is no number: a wrong setting must be seen.
func number(name string, otherwise int) int {
	value := os.Getenv(name)
	if value == "" {
		return otherwise
	}
	parsed, err := strconv.Atoi(value)
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s must be a number\n", name)
		os.Exit(2)
	}
	return parsed
}

func milliseconds(count int) time.Duration {
	return time.Duration(count) * time.Millisecond
}
