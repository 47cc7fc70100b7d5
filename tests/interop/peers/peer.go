// Go's crypto/tls, which reads one command a line and answers each:
//
//	server VERSION FOLDER CA COUNT     -> PORT n, then OK or FAILED for each of COUNT connections
//	client VERSION FOLDER CA PORT      -> OK or FAILED
//	twice VERSION FOLDER CA PORT       -> two connections that may resume: FULL, RESUMED or FAILED
//	certificate FOLDER NAMES           -> OK; a self-signed server certificate as Go's generate_cert makes it
//
// A folder has full.pem and key.pem, the chain and the key to present.
package main

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"strings"
	"time"
)

func config(version, folder, ca string) (*tls.Config, error) {
	pair, err := tls.LoadX509KeyPair(folder+"/full.pem", folder+"/key.pem")
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(ca)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, errors.New("no authority")
	}
	number := uint16(tls.VersionTLS12)
	if version == "1.3" {
		number = tls.VersionTLS13
	}
	return &tls.Config{
		MinVersion:   number,
		MaxVersion:   number,
		Certificates: []tls.Certificate{pair},
		RootCAs:      pool,
		ClientCAs:    pool,
		ClientAuth:   tls.RequireAndVerifyClientCert,
		ServerName:   "localhost",
		// Always what the folder holds, whatever the other end seems to ask for.
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			return &pair, nil
		},
	}, nil
}

func answer(connection net.Conn, settings *tls.Config) string {
	defer connection.Close()
	connection.SetDeadline(time.Now().Add(10 * time.Second))
	link := tls.Server(connection, settings)
	line, err := bufio.NewReader(link).ReadString('\n')
	if err == nil {
		_, err = link.Write([]byte("pong\n"))
	}
	if err != nil {
		return "FAILED " + err.Error()
	}
	link.Close()
	_ = line
	return "OK"
}

func server(version, folder, ca string, count int) error {
	settings, err := config(version, folder, ca)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer listener.Close()
	fmt.Printf("PORT %d\n", listener.Addr().(*net.TCPAddr).Port)
	listener.(*net.TCPListener).SetDeadline(time.Now().Add(20 * time.Second))
	for ; count > 0; count-- {
		connection, err := listener.Accept()
		if err != nil {
			return err
		}
		fmt.Println(answer(connection, settings))
	}
	return nil
}

func dial(settings *tls.Config, port string) (bool, error) {
	dialer := &net.Dialer{Timeout: 10 * time.Second}
	link, err := tls.DialWithDialer(dialer, "tcp", "127.0.0.1:"+port, settings)
	if err != nil {
		return false, err
	}
	defer link.Close()
	link.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err = link.Write([]byte("ping\n")); err != nil {
		return false, err
	}
	line, err := bufio.NewReader(link).ReadString('\n')
	if err == nil && line != "pong\n" {
		err = errors.New("no answer")
	}
	return link.ConnectionState().DidResume, err
}

func client(version, folder, ca, port string, count int) (string, error) {
	settings, err := config(version, folder, ca)
	if err != nil {
		return "", err
	}
	if count > 1 {
		settings.ClientSessionCache = tls.NewLRUClientSessionCache(4)
	}
	result := "OK"
	for ; count > 0; count-- {
		resumed, err := dial(settings, port)
		if err != nil {
			return "", err
		}
		if settings.ClientSessionCache != nil {
			result = "FULL"
		}
		if resumed {
			return "RESUMED", nil
		}
	}
	return result, nil
}

func certificate(folder, names string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 128))
	if err != nil {
		return err
	}
	template := x509.Certificate{
		SerialNumber:          serial,
		Subject:               pkix.Name{Organization: []string{"Acme Co"}},
		NotBefore:             time.Now(),
		NotAfter:              time.Now().Add(30 * 24 * time.Hour),
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
		DNSNames:              strings.Split(names, ","),
	}
	made, err := x509.CreateCertificate(rand.Reader, &template, &template, &key.PublicKey, key)
	if err != nil {
		return err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	if err = write(folder+"/leaf.pem", "CERTIFICATE", made); err != nil {
		return err
	}
	return write(folder+"/key.pem", "PRIVATE KEY", secret)
}

func write(file, label string, der []byte) error {
	return os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: label, Bytes: der}), 0o600)
}

func run(words []string) (string, error) {
	switch {
	case words[0] == "server" && len(words) == 5:
		var count int
		if _, err := fmt.Sscan(words[4], &count); err != nil {
			return "", err
		}
		return "", server(words[1], words[2], words[3], count)
	case words[0] == "client" && len(words) == 5:
		return client(words[1], words[2], words[3], words[4], 1)
	case words[0] == "twice" && len(words) == 5:
		return client(words[1], words[2], words[3], words[4], 2)
	case words[0] == "certificate" && len(words) == 3:
		return "OK", certificate(words[1], words[2])
	}
	return "", errors.New("no such command")
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		result, err := run(strings.Fields(lines.Text()))
		if err != nil {
			result = "FAILED " + strings.ReplaceAll(err.Error(), "\n", " ")
		}
		if result != "" {
			fmt.Println(result)
		}
	}
}
