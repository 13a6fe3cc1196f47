// How to reach Redis and how long to wait. Plain data; the shell fills it from its configuration.
#ifndef REGULARS_LIBS_REDIS_OPTIONS_H_
#define REGULARS_LIBS_REDIS_OPTIONS_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace regulars::redis {

// TLS to every node. Needs a Redis with `tls-port`; with `tls-auth-clients yes` also a certificate.
struct TlsOptions {
  bool enabled = false;
  std::string ca_file;    // PEM; empty: the system's store
  std::string cert_file;  // PEM chain; empty: no client certificate
  std::string key_file;   // PEM
  // The name the server's certificate must hold; empty: the host of the address.
  std::string server_name;
};

struct RedisOptions {
  // "host:port" or "[v6]:port". Several: nodes of one Redis Cluster; the first that answers tells
  // the others by MOVED.
  std::vector<std::string> addresses;
  std::string user;      // ACL user; empty with a password: the default user
  std::string password;  // empty: no AUTH
  TlsOptions tls;

  // Connecting includes TLS and AUTH. Name resolution is the system's and has its own time-outs.
  int64_t connect_timeout_ms = 500;
  // For sending one command, or up to `pipeline_bytes` of them, and again for reading the answers.
  int64_t command_timeout_ms = 500;
  // After a failed connect the node is left alone for the smaller, doubling up to the larger; calls
  // in between fail at once.
  int64_t backoff_ms_min = 50;
  int64_t backoff_ms_max = 2000;
  // Seconds a member key lives after its last write (`volatile-lru` evicts earlier when memory is
  // short). 1 .. 10 years.
  int64_t member_ttl_s = int64_t{7} * 24 * 3600;
  // An Apply sends its requests in pieces of about this size, up to kPiecesInFlight ahead of the
  // answers.
  size_t pipeline_bytes = size_t{128} << 10;
};

}  // namespace regulars::redis

#endif  // REGULARS_LIBS_REDIS_OPTIONS_H_
