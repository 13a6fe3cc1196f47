#include "libs/service/health.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>

namespace regulars::service {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

std::string Ask(int port, const std::string& request) {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  const std::string text = request + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
  EXPECT_EQ(send(fd, text.data(), text.size(), 0), static_cast<ssize_t>(text.size()));
  std::string answer;
  char buffer[4096];
  for (ssize_t n = recv(fd, buffer, sizeof(buffer), 0); n > 0;
       n = recv(fd, buffer, sizeof(buffer), 0)) {
    answer.append(buffer, static_cast<std::size_t>(n));
  }
  close(fd);
  return answer;
}

TEST(HealthTest, EveryPathAnswers) {
  std::string live;
  std::string ready = "shard 3 is being restored";
  HealthChecks checks;
  checks.live = [&] { return live; };
  checks.ready = [&] { return ready; };
  checks.metrics = [] { return "regulars_x_y_total 1\n"; };
  auto server = HealthServer::Start("127.0.0.1:0", checks);
  ASSERT_TRUE(server.ok()) << server.status();
  const int port = (*server)->port();
  ASSERT_GT(port, 0);
  EXPECT_THAT(Ask(port, "GET /healthz"), StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(Ask(port, "GET /readyz"), StartsWith("HTTP/1.1 503"));
  EXPECT_THAT(Ask(port, "GET /readyz"), HasSubstr("shard 3"));
  EXPECT_THAT(Ask(port, "GET /metrics"), HasSubstr("regulars_x_y_total 1"));
  EXPECT_THAT(Ask(port, "HEAD /metrics"), testing::Not(HasSubstr("regulars_x_y_total 1")));
  EXPECT_THAT(Ask(port, "GET /etc/passwd"), StartsWith("HTTP/1.1 404"));
  EXPECT_THAT(Ask(port, "POST /healthz"), StartsWith("HTTP/1.1 405"));
  ready = "";
  live = "no progress";
  EXPECT_THAT(Ask(port, "GET /readyz"), StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(Ask(port, "GET /healthz"), StartsWith("HTTP/1.1 503"));
}

TEST(HealthTest, ATakenPort_IsAnError) {
  HealthChecks checks;
  checks.live = checks.ready = checks.metrics = [] { return ""; };
  auto first = HealthServer::Start("127.0.0.1:0", checks);
  ASSERT_TRUE(first.ok());
  const std::string address = "127.0.0.1:" + std::to_string((*first)->port());
  EXPECT_FALSE(HealthServer::Start(address, checks).ok());
}

}  // namespace
}  // namespace regulars::service
