// C11 threads by way of POSIX threads, for ThreadSanitizer builds only (CMakeLists.txt adds this
// file to every executable there). librdkafka uses <threads.h>, which GCC's sanitizer does not
// intercept: it would crash in the first such thread and see none of its locks. glibc implements
// both on the same objects, so the calls can be exchanged one by one.
#include <pthread.h>
#include <threads.h>

#include <cerrno>
#include <memory>

static_assert(sizeof(mtx_t) == sizeof(pthread_mutex_t), "one object, two names");
static_assert(sizeof(cnd_t) == sizeof(pthread_cond_t), "one object, two names");

namespace {

struct Start {
  thrd_start_t function;
  void* argument;
};

void* Run(void* raw) {
  const std::unique_ptr<Start> start(static_cast<Start*>(raw));
  return reinterpret_cast<void*>(static_cast<intptr_t>(start->function(start->argument)));
}

pthread_mutex_t* Mutex(mtx_t* m) { return reinterpret_cast<pthread_mutex_t*>(m); }
pthread_cond_t* Condition(cnd_t* c) { return reinterpret_cast<pthread_cond_t*>(c); }

int Answer(int error) {
  switch (error) {
    case 0:
      return thrd_success;
    case ETIMEDOUT:
      return thrd_timedout;
    case EBUSY:
      return thrd_busy;
    case ENOMEM:
      return thrd_nomem;
    default:
      return thrd_error;
  }
}

}  // namespace

extern "C" {

int thrd_create(thrd_t* thread, thrd_start_t function, void* argument) {
  auto start = std::make_unique<Start>(Start{function, argument});
  const int error = pthread_create(thread, nullptr, Run, start.get());
  if (error == 0) (void)start.release();
  return Answer(error);
}

int thrd_join(thrd_t thread, int* result) {
  void* raw = nullptr;
  const int error = pthread_join(thread, &raw);
  if (result != nullptr) *result = static_cast<int>(reinterpret_cast<intptr_t>(raw));
  return Answer(error);
}

int mtx_init(mtx_t* m, int type) noexcept {
  pthread_mutexattr_t attributes;
  pthread_mutexattr_init(&attributes);
  if ((type & mtx_recursive) != 0) {
    pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_RECURSIVE);
  }
  const int error = pthread_mutex_init(Mutex(m), &attributes);
  pthread_mutexattr_destroy(&attributes);
  return Answer(error);
}

int mtx_lock(mtx_t* m) { return Answer(pthread_mutex_lock(Mutex(m))); }
int mtx_trylock(mtx_t* m) noexcept { return Answer(pthread_mutex_trylock(Mutex(m))); }
int mtx_unlock(mtx_t* m) noexcept { return Answer(pthread_mutex_unlock(Mutex(m))); }
void mtx_destroy(mtx_t* m) noexcept { pthread_mutex_destroy(Mutex(m)); }

int cnd_init(cnd_t* c) noexcept { return Answer(pthread_cond_init(Condition(c), nullptr)); }
int cnd_signal(cnd_t* c) noexcept { return Answer(pthread_cond_signal(Condition(c))); }
int cnd_broadcast(cnd_t* c) noexcept { return Answer(pthread_cond_broadcast(Condition(c))); }
int cnd_wait(cnd_t* c, mtx_t* m) { return Answer(pthread_cond_wait(Condition(c), Mutex(m))); }
int cnd_timedwait(cnd_t* c, mtx_t* m, const timespec* until) {
  return Answer(pthread_cond_timedwait(Condition(c), Mutex(m), until));
}
void cnd_destroy(cnd_t* c) noexcept { pthread_cond_destroy(Condition(c)); }

}  // extern "C"
